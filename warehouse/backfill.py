"""Have the marts made again for the people who did something in some days.

The ids of these events are noted in `staging.stg_changes` under a run of their own;
the next build of the marts follows that run as it follows any other.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from warehouse import audit
from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_WITHIN = """
toDate(occurred_at, {zone:String}) >= {begin:Date}
and toDate(occurred_at, {zone:String}) < {end:Date}
"""


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a time zone, from the first to before the last. Raises BadInput."""

    begin: date
    end: date
    zone: str

    def __post_init__(self) -> None:
        if self.begin >= self.end:
            raise BadInput(
                f"No day lies from {self.begin} to before {self.end}; --to is the day"
                " after the last."
            )

    @property
    def parameters(self) -> dict[str, object]:
        """What the queries are given."""
        return {"zone": self.zone, "begin": self.begin, "end": self.end}


@dataclass(frozen=True, slots=True)
class Reach:
    """What some days are about."""

    events: int
    people: int


def reach(client: "Client", days: Days) -> Reach:
    """How many events lie in these days, and of how many people.

    Raises BadInput where nothing was built yet.
    """
    tables = rows(
        client,
        "select count() as tables from system.tables where (database, name) in"
        " (('staging', 'stg_changes'), ('intermediate', 'int_events_identified'))",
    )[0]["tables"]
    if tables < 2:  # noqa: PLR2004  both are there
        raise BadInput("Nothing is built yet, so nothing can be made again: build it.")
    found = rows(
        client,
        "select count() as events, uniqExact(person_id) as people"
        f" from intermediate.int_events_identified where {_WITHIN}",
        days.parameters,
    )[0]
    return Reach(events=found["events"], people=found["people"])


def note(client: "Client", days: Days, done: audit.Act) -> None:
    """Note the ids of these days for the next build of the marts; again is harmless.

    One insert: a call that is killed has noted all ids or none.
    """
    run_id = f"backfill {days.begin} {days.end} {done.at.isoformat()}"
    audit.note(
        client,
        done,
        action="backfill",
        subject=f"{days.begin} to {days.end}",
        detail={"run_id": run_id},
    )
    client.command(
        "insert into staging.stg_changes (run_id, own_id)"
        " select distinct {run:String}, own_id from staging.stg_events"
        f" where {_WITHIN} and own_id not in"
        " (select own_id from staging.stg_changes where run_id = {run:String})",
        parameters={**days.parameters, "run": run_id},
    )
