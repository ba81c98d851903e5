"""Which columns of a table of features change when all that came later is deleted.

`PLANTED` are features that leak, each in a way that is easily overlooked: a test that
finds nothing proves something only where it would have named these.
"""

from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Table = dict[tuple[object, ...], dict[str, object]]
ROWS = "who is in it at all"

PLANTED = {
    # events are late: it happened before, and nobody knew
    "events_by_their_own_clock": "countIf(occurred_at < {day})",
    # devices are recognised later: whose it was is told by what is known today
    "events_by_the_identity_of_today": "countIf(known_at < {day})",
    # the latest word of all, beside those said by then
    "plan_of_today": "argMax(plan, (occurred_at, event_id))",
    # the outcome itself under another name
    "is_back_soon": "countIf(occurred_at >= {day})",
}
"""SQL over all events of a person, by the name of the feature that leaks."""


def planted(day: date) -> str:
    """The features of a day's people with those that leak beside them."""
    moment = f"toDateTime64('{day}', 3, 'UTC')"
    told = ", ".join(
        f"{sql.format(day=moment)} as {name}" for name, sql in PLANTED.items()
    )
    return (
        f"select people.*, {', '.join(PLANTED)} from (select * from"
        f" features_build.feat_people where as_of = '{day}') as people left join"
        f" (select person_id, {told} from intermediate.int_events_identified"
        " group by person_id) as leaks using (person_id)"
    )


def read(client: "Client", query: str, key: tuple[str, ...]) -> Table:
    """The rows of a query by their key."""
    found = rows(client, query)
    return {tuple(row[name] for name in key): row for row in found}


def leaking(before: Table, after: Table) -> list[str]:
    """The columns that differ for anybody, and ROWS where others are in it."""
    both = before.keys() & after.keys()
    names = {
        name
        for key in both
        for name, value in before[key].items()
        if after[key][name] != value
    }
    return sorted(names | ({ROWS} if before.keys() != after.keys() else set()))
