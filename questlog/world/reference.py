"""The truth about a world's files: a slow, plain reading, apart from any SQL.

It shares nothing with the warehouse but the words of docs/glossary.md, so that the two
can be checked against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson

from questlog.world.parameters import DAY, MINUTE, day_of, read_moment

FUNNEL = (
    "user_signed_up",
    "character_created",
    "game_session_started",
    "payment_completed",
)
SILENCE = 30 * MINUTE
FUNNEL_WINDOW = 30 * DAY


class Line(NamedTuple):
    """A line of a file and the reason for which the door refuses it, if it does."""

    raw: bytes
    reason: str = ""


class Seen(NamedTuple):
    """An accepted event, read back from its line; times in milliseconds."""

    at: int
    sequence: int
    event_id: str
    name: str
    user_id: str
    anonymous_id: str
    received_at: int
    properties: dict[str, Any]
    raw: bytes


@dataclass(slots=True)
class Stream:
    """What the door and deduplication leave of some lines."""

    lines: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    duplicates_removed: int = 0
    conflicts: int = 0
    conflicting_copies: int = 0
    once: list[Seen] = field(default_factory=list)


def observe(history: Sequence[Line], live: Sequence[Line] = ()) -> dict[str, Any]:
    """Everything true about these lines, loaded in this order, as JSON.

    Live lines carry no receipt: the door receives them in order, after all history.
    """
    stream = _stream(history, live)
    persons = _persons(stream.once)
    return _counts(stream) | {
        "people": len(persons),
        "people_known": sum(not person.startswith("anon:") for person in persons),
        "sessions": sum(_sessions(events) for events in persons.values()),
        "consented_advertising": sum(
            _consents(events, "advertising") for events in persons.values()
        ),
        "funnel": _funnel(persons.values()),
        "cohorts": _cohorts(events[0].at for events in persons.values()),
        "cohorts_signed_up": _cohorts(
            seen.at for seen in stream.once if seen.name == "user_signed_up"
        ),
        "events_by_name": dict(sorted(Counter(s.name for s in stream.once).items())),
        **_money(stream.once),
    }


def _counts(stream: Stream) -> dict[str, Any]:
    return {
        "lines": stream.lines,
        "accepted": stream.accepted,
        "refused": dict(sorted(stream.refused.items())),
        "duplicates_removed": stream.duplicates_removed,
        "conflicts": stream.conflicts,
        "conflicting_copies": stream.conflicting_copies,
        "events_once": len(stream.once),
    }


def added(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What was added to a part to make the whole: counts of the stream and money."""
    keys = (
        *("lines", "accepted", "duplicates_removed", "conflicts", "conflicting_copies"),
        *("events_once", "payments", "refunds", "paid_minor", "refunded_minor"),
        *("revenue_minor",),
    )
    refused = Counter(whole["refused"])
    refused.subtract(part["refused"])
    return {
        "refused": {reason: n for reason, n in sorted(refused.items()) if n},
        **{key: whole[key] - part[key] for key in keys},
    }


def _stream(history: Sequence[Line], live: Sequence[Line]) -> Stream:
    stream = Stream(lines=len(history) + len(live))
    copies: dict[str, list[Seen]] = defaultdict(list)
    latest = 0
    for number, line in enumerate((*history, *live)):
        if line.reason:
            stream.refused[line.reason] += 1
            continue
        seen = _seen(line.raw, latest + 1 if number >= len(history) else None)
        latest = max(latest, seen.received_at)
        stream.accepted += 1
        copies[seen.event_id].append(seen)
    for same_id in copies.values():
        stream.once.append(_first(stream, same_id))
    return stream


def _seen(raw: bytes, received_at: int | None) -> Seen:
    event = orjson.loads(raw)
    return Seen(
        at=read_moment(event["timestamp"]),
        sequence=event.get("sequence", 0),
        event_id=event["event_id"],
        name=event["event_name"].rpartition(".")[2],
        user_id=event.get("user_id", ""),
        anonymous_id=event.get("anonymous_id", ""),
        received_at=received_at or read_moment(event["received_at"]),
        properties=event["properties"],
        raw=raw,
    )


def _first(stream: Stream, same_id: list[Seen]) -> Seen:
    """The earliest receipt among the copies of one id; the others are counted."""
    if len(same_id) == 1:
        return same_id[0]
    ordered = sorted(same_id, key=lambda seen: (seen.received_at, _content(seen)))
    winner = ordered[0]
    same = sum(_content(seen) == _content(winner) for seen in ordered)
    stream.duplicates_removed += same - 1
    stream.conflicting_copies += len(ordered) - same
    stream.conflicts += len(ordered) > same
    return winner


def _content(seen: Seen) -> bytes:
    event = orjson.loads(seen.raw)
    event.pop("received_at", None)
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)


def _persons(once: list[Seen]) -> dict[str, list[Seen]]:
    """Events by person, each person's in order.

    A device that one account alone has used speaks for that account, before the
    sign-up too; a device of several stays a person of its own while anonymous.
    """
    accounts: dict[str, set[str]] = defaultdict(set)
    for seen in once:
        if seen.user_id and seen.anonymous_id:
            accounts[seen.anonymous_id].add(seen.user_id)
    persons: dict[str, list[Seen]] = defaultdict(list)
    for seen in once:
        known = accounts.get(seen.anonymous_id, set())
        stitched = next(iter(known)) if len(known) == 1 else ""
        person = seen.user_id or stitched or f"anon:{seen.anonymous_id}"
        persons[person].append(seen)
    for events in persons.values():
        events.sort()
    return persons


def _sessions(events: list[Seen]) -> int:
    """Runs of events with no silence over half an hour; half an hour itself stays."""
    moments = [seen.at for seen in events]
    silences = (b - a for a, b in zip(moments, moments[1:], strict=False))
    return 1 + sum(silence > SILENCE for silence in silences)


def _consents(events: list[Seen], purpose: str) -> bool:
    granted = False
    for seen in events:
        if seen.name == "consent_decided" and seen.properties["purpose"] == purpose:
            granted = seen.properties["granted"]
    return granted


def _funnel(persons: Iterable[list[Seen]]) -> list[dict[str, Any]]:
    reached = Counter(_level(events) for events in persons)
    return [
        {
            "step": step,
            "people": sum(n for level, n in reached.items() if level > place),
        }
        for place, step in enumerate(FUNNEL)
    ]


def _level(events: list[Seen]) -> int:
    """How many steps a person took in order, each within the window of the first."""
    steps = [seen for seen in events if seen.name in FUNNEL]
    starts = [place for place, seen in enumerate(steps) if seen.name == FUNNEL[0]]
    best = 0
    for start in starts:
        taken = 0
        for seen in steps[start:]:
            in_time = seen.at - steps[start].at <= FUNNEL_WINDOW
            if taken < len(FUNNEL) and in_time and seen.name == FUNNEL[taken]:
                taken += 1
        best = max(best, taken)
    return best


def _cohorts(moments: Iterable[int]) -> dict[str, int]:
    """People by the week of a moment; weeks begin on Monday, UTC."""
    weeks = Counter(_monday(day_of(moment)) for moment in moments)
    return {week.isoformat(): count for week, count in sorted(weeks.items())}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _money(once: list[Seen]) -> dict[str, int]:
    paid = [s.properties["amount_cents"] for s in once if s.name == "payment_completed"]
    back = [s.properties["amount_cents"] for s in once if s.name == "payment_refunded"]
    return {
        "payments": len(paid),
        "refunds": len(back),
        "paid_minor": sum(paid),
        "refunded_minor": sum(back),
        "revenue_minor": sum(paid) - sum(back),
    }
