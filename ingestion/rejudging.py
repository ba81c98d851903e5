"""Judge stored events once more, by a taxonomy that is not in force yet.

Each event is judged by the old rules and by the new: what only the new ones refuse
is what the change would cost. Sources are taken as planned; an open source's events
would be tagged where this says refused. Direct identifiers are tokens by now, and
are judged as such by both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from ingestion import moments
from ingestion.judging import Accepted, Arrival, Refused, Rules, Source, Verdict, judge
from warehouse.clickhouse import connect
from warehouse.settings import Settings
from warehouse.taxonomy import Taxonomy

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Stored = Mapping[str, Any]

_COLUMNS: Final = (
    "event_id",
    "event_name",
    "event_version",
    "user_id",
    "anonymous_id",
    "session_id",
    "occurred_at",
    "sent_at",
    "received_at",
    "sequence",
    "source",
    "imported",
    "properties",
    "context",
    "user_properties",
)
_QUERY: Final = f"""
    select {", ".join(_COLUMNS)} from raw.events
    where received_at >= {{since:DateTime64(3, 'UTC')}}
    and received_at < {{until:DateTime64(3, 'UTC')}}
"""
_OBJECTS: Final = ("properties", "context", "user_properties")
_SHOWN: Final = 3


@dataclass(slots=True)
class Rejudged:
    """What a change of taxonomy would have done to stored events.

    `refused` and `noted` count by event name and reason; `samples` has a few event
    ids for each kind of refusal.
    """

    events: int = 0
    refused_events: int = 0
    noted_events: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def rejudge_stored(
    settings: Settings, *, old: Taxonomy, new: Taxonomy, days: int, now: datetime
) -> Rejudged:
    """Judge the events received within the last `days` days before `now`.

    Raises Unavailable when ClickHouse is away.
    """
    since = now - timedelta(days=days)
    with connect(settings) as client:
        return rejudge(_stored(client, since, now), old=old, new=new)


def rejudge(stored: Iterable[Stored], *, old: Taxonomy, new: Taxonomy) -> Rejudged:
    """Judge rows of raw.events by two taxonomies and count what the new one changes."""
    before, after = Rules.of(old), Rules.of(new)
    found = Rejudged()
    for row in stored:
        found.events += 1
        raw, arrival = _as_sent(row), _arrival(row)
        source = Source(row["source"])
        now = judge(raw, rules=after, source=source, arrival=arrival)
        if isinstance(now, Accepted) and not now.objections:
            continue
        then = judge(raw, rules=before, source=source, arrival=arrival)
        _count(found, row, then, now)
    return found


def _count(found: Rejudged, row: Stored, then: Verdict, now: Verdict) -> None:
    if isinstance(then, Refused):
        return
    known = {(one.reason, one.at) for one in then.objections}
    fresh = [one for one in now.objections if (one.reason, one.at) not in known]
    kinds = {(row["event_name"], one.reason) for one in fresh}
    if isinstance(now, Accepted):
        found.noted_events += bool(kinds)
        found.noted.update(kinds)
        return
    found.refused_events += 1
    kinds = kinds or {(row["event_name"], one.reason) for one in now.objections}
    found.refused.update(kinds)
    for kind in kinds:
        ids = found.samples.setdefault(kind, [])
        if len(ids) < _SHOWN:
            ids.append(str(row["event_id"]))


def _as_sent(row: Stored) -> bytes:
    """The event as a sender would write it; what was empty is left out."""
    event: dict[str, Any] = {
        "event_id": str(row["event_id"]),
        "timestamp": _written(row["occurred_at"]),
        "event_name": row["event_name"],
        "event_version": row["event_version"] or None,
        "user_id": row["user_id"] or None,
        "anonymous_id": row["anonymous_id"] or None,
        "session_id": row["session_id"] or None,
        "sequence": row["sequence"],
    }
    if row["sent_at"] is not None:
        event["sent_at"] = _written(row["sent_at"])
    head = orjson.dumps(event)[:-1]
    # the objects are JSON already, and hold numbers that no decoder need see
    parts = [b',"%b":%b' % (key.encode(), row[key].encode()) for key in _OBJECTS]
    return head + b"".join(parts) + b"}"


def _arrival(row: Stored) -> Arrival:
    received_at = moments.moment(_in_utc(row["received_at"]))
    return Arrival(received_at, imported=bool(row["imported"]))


def _written(at: datetime) -> str:
    return f"{moments.stored(_in_utc(at)).replace(' ', 'T')}Z"


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _stored(client: "Client", since: datetime, until: datetime) -> Iterator[Stored]:
    window = {"since": since.astimezone(UTC), "until": until.astimezone(UTC)}
    with client.query_row_block_stream(_QUERY, parameters=window) as blocks:
        for block in blocks:
            for row in block:
                yield dict(zip(_COLUMNS, row, strict=True))
