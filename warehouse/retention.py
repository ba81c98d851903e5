"""Let events go when their time is over, as the taxonomy's `keep_for` says.

Rows of an event leave `raw.events` with all their copies, by whole months of what was
known when; their ids stay, so that a copy that comes later is no new event. What is
made of events follows with the next build, which is a whole one: an increment and a
rebuild go on saying the same, and neither knows what was let go.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from warehouse import audit
from warehouse.clickhouse import connect, rows
from warehouse.settings import load
from warehouse.taxonomy import Taxonomy
from warehouse.taxonomy import load as taxonomy_of_today

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_MONTHS = 12
# the horizon is of the event, so of the copy that was known first; its other copies go
# with it, whatever their names and times
_OVER = """
event_id in (
    select event_id
    from raw.events
    where event_id in (
        select event_id
        from raw.events
        where
            event_name = {name:String}
            and known_at < toDateTime64({horizon:Date}, 3, 'UTC')
    )
    group by event_id
    having
        argMin(event_name, (received_at, known_at)) = {name:String}
        and min(known_at) < toDateTime64({horizon:Date}, 3, 'UTC')
)
"""
_GONE_BEFORE = "event_id in (select event_id from raw.expired_ids)"
# a subquery is answered alike on every replica: ids are written before rows go
_SURELY = "settings mutations_sync = 2, allow_nondeterministic_mutations = 1"


@dataclass(frozen=True, slots=True)
class Due:
    """An event type whose rows of before `horizon` are over, and how many there are."""

    event_name: str
    horizon: date
    events: int


def horizon(as_of: date, months: int) -> date:
    """The first day that is kept: of the month that lies so many months back."""
    counted = as_of.year * _MONTHS + as_of.month - 1 - months
    return date(counted // _MONTHS, counted % _MONTHS + 1, 1)


def due(client: "Client", taxonomy: Taxonomy, as_of: date) -> list[Due]:
    """What is over as of a day, by event type; types that are kept for good never."""
    return [one for one in _counted(client, _horizons(taxonomy, as_of)) if one.events]


def let_go(client: "Client", overdue: list[Due], done: audit.Act) -> int:
    """Let rows go, their ids noted first; the number of copies that went.

    With them go copies that came after their event had gone. Safe to repeat, and to
    interrupt at any point: ids without rows are what is wanted in the end.
    """
    before = _copies(client)
    for one in overdue:
        bound = {"name": one.event_name, "horizon": one.horizon}
        at = done.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        client.command(
            "insert into raw.expired_ids select distinct event_id,"
            " {at:DateTime64(3, 'UTC')} from raw.events where " + _OVER,
            parameters=bound | {"at": at},
        )
        audit.note(
            client,
            done,
            action="retention",
            subject=one.event_name,
            detail={"before": one.horizon.isoformat(), "events": str(one.events)},
        )
    if overdue or _late_copies(client):
        client.command(f"alter table raw.events delete where {_GONE_BEFORE} {_SURELY}")
    return before - _copies(client)


def _horizons(taxonomy: Taxonomy, as_of: date) -> Mapping[str, date]:
    return {
        event.name: horizon(as_of, event.keep_for_months)
        for event in taxonomy.events.values()
        if event.keep_for_months is not None
    }


def _counted(client: "Client", horizons: Mapping[str, date]) -> Iterator[Due]:
    for name, day in horizons.items():
        found = rows(
            client,
            f"select uniqExact(event_id) as events from raw.events where {_OVER}",
            {"name": name, "horizon": day},
        )
        yield Due(name, day, found[0]["events"])


def _late_copies(client: "Client") -> bool:
    found = rows(client, f"select count() as n from raw.events where {_GONE_BEFORE}")
    return bool(found[0]["n"])


def _copies(client: "Client") -> int:
    return int(rows(client, "select count() as n from raw.events")[0]["n"])


def let_go_at_door(as_of: str) -> int:
    """Let go what is over as of a day like 2026-03-01, with this process's settings."""
    settings = load(os.environ)
    because = f"keep_for of the taxonomy, as of {as_of}"
    done = audit.act(by="", because=because, at=datetime.now(UTC))
    with connect(settings) as client:
        overdue = due(client, taxonomy_of_today(), date.fromisoformat(as_of))
        return let_go(client, overdue, done)
