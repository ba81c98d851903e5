"""Devices whose clock may be found another once a person is gone from what told it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# as clock_tolerance_ms and clock_earlier_batches in dbt_project.yml have it
_LATE_MS: Final = 5_000
_BATCHES: Final = 5
_THEIRS: Final = (
    "if(user_id != '', user_id, concat('anon:', anonymous_id)) in {ids:Array(String)}"
)
_LOADS: Final = f"""
select distinct toString(arrayJoin(
    if(late >= {_BATCHES}, arraySlice(loads, 1, 1), loads)
)) as load
from (
    select
        source, anonymous_id, groupUniqArray(loaded_at) as loads,
        uniqExactIf(
            sent_at, dateDiff('millisecond', sent_at, received_at) > {_LATE_MS}
        ) as late
    from raw.events
    where not imported and anonymous_id != '' and not {_THEIRS}
        and (source, anonymous_id) in (
            select (source, anonymous_id) from raw.events where {_THEIRS}
        )
    group by source, anonymous_id
    having late >= {_BATCHES} or (source, anonymous_id) in (
        select (source, anonymous_id) from staging.stg_device_clocks
    )
)
"""


def loads_that_told_clocks(client: "Client", own_ids: Sequence[str]) -> list[str]:
    """Loads of each device that others used too, as their moments.

    Staging looks at the clock of a device again when it takes one of its loads, where
    enough came late; else no clock is left to follow, and it takes all of them.
    """
    there = (
        "select 1 from system.tables"
        " where database = 'staging' and name = 'stg_device_clocks'"
    )
    if not rows(client, there):
        return []
    return [row["load"] for row in rows(client, _LOADS, {"ids": list(own_ids)})]
