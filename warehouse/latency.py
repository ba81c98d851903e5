"""How long events take from what happened to the mart that shows it: `ops.latencies`.

Measured at each publication of the marts, over the loads that were staged since the
one before. Imports are history and are left out. Canaries never lie among events.
"""

from typing import TYPE_CHECKING

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# loads, not receipts, say what is new: a straggler that lay in a log for hours is what
# a 95th percentile is for
_NOTE = """
insert into ops.latencies
select
    now64(3, 'UTC') as published_at,
    max(loaded_at) as newest_loaded_at,
    count() as events,
    quantileExact(0.5)(occurrence_s) as occurrence_p50_s,
    quantileExact(0.95)(occurrence_s) as occurrence_p95_s,
    quantileExact(0.5)(receipt_s) as receipt_p50_s,
    quantileExact(0.95)(receipt_s) as receipt_p95_s,
    max(receipt_s) as receipt_most_s
from (
    select
        loaded_at,
        dateDiff('ms', received_at, now64(3, 'UTC')) / 1000 as receipt_s,
        -- a clock that runs ahead makes nothing faster than at once
        greatest(0, dateDiff(
            'ms',
            occurred_at + toIntervalMillisecond(clock_offset_ms),
            now64(3, 'UTC')
        ) / 1000) as occurrence_s
    from raw.events
    where
        loaded_at in (
            select loaded_at
            from staging.stg_loads
            where loaded_at > (select max(newest_loaded_at) from ops.latencies)
        )
        and not imported
)
having count() > 0
"""
_NEEDED = (
    "select count() as tables from system.tables where (database, name) in"
    " (('ops', 'latencies'), ('staging', 'stg_loads'))"
)


def note_latency(client: "Client") -> None:
    """Write down how long the events took that were published just now.

    Nothing is written where staging was not built by dbt, or no event was new.
    """
    if rows(client, _NEEDED)[0]["tables"] == 2:  # noqa: PLR2004  both are there
        client.command(_NOTE)
