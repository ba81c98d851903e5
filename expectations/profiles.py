"""A day's profile: what came on it, counted by what it says, kept in ops.profiles.

A day is one of arrival (`known_at`): once it is over, its profile never changes, and
what is late is a fact about the day on which it came.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from expectations import people_queries, profile_queries
from warehouse.clickhouse import define, rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.taxonomy import Property, Taxonomy

KEPT_DAYS = 84
"""How far back before a gate's day profiles are made and compared."""

_AT_ONCE = 28
_EVENTS_LOOKED_AT = 500_000
"""Of a day, where shares are enough."""

_LONGEST_WORD = 64
_CODE = re.compile(r"\^\[A-Z\]\{[23]\}\$")
_QUERIES = (*profile_queries.QUERIES, *people_queries.QUERIES)
_EDITION = hashlib.sha256("".join(_QUERIES).encode()).hexdigest()[:16]
"""What a profile was made by: one that lacks what is counted today is made anew."""

_SIGNED = (
    "select arrayJoin([{days}]) as day, 'profile' as subject, 'by' as dimension,"
    f" '{_EDITION}' as category, 0 as events, 0 as people"
)


def keep(client: "Client", as_of: date) -> dict[date, int]:
    """Profile the days before `as_of` that are not profiled yet, or changed since.

    Returns the number of events of each day there is.
    """
    there = _events_by_day(client, as_of)
    kept = _kept_by_day(client, as_of)
    stale = sorted(day for day, events in there.items() if kept.get(day) != events)
    for gone in kept.keys() - there.keys():
        define(client, f"alter table ops.profiles drop partition '{gone}'")
    for part in sorted({_part(there[day]) for day in stale}):
        days = [day for day in stale if _part(there[day]) == part]
        for first in range(0, len(days), _AT_ONCE):
            _profile(client, days[first : first + _AT_ONCE], part)
    return there


def _part(events: int) -> int:
    """How many people there are for each that is looked at, on a day of so many events.

    Twice as many at a time: the same people, or half of them, as on other days.
    """
    part = 1
    while events // part > _EVENTS_LOOKED_AT:
        part *= 2
    return part


def _events_by_day(client: "Client", as_of: date) -> dict[date, int]:
    found = rows(
        client,
        "select toDate(known_at, 'UTC') as day, count() as events"
        " from staging.stg_events"
        " where known_at >= {first:Date} and known_at < {as_of:Date} group by day",
        _span(as_of),
    )
    return {row["day"]: row["events"] for row in found}


def _kept_by_day(client: "Client", as_of: date) -> dict[date, int]:
    """Events of the days that were profiled by the queries of today."""
    found = rows(
        client,
        "select day, sumIf(events, subject = 'events') as events from ops.profiles"
        " where (subject, dimension) in (('events', 'event_name'), ('profile', 'by'))"
        " and day >= {first:Date} and day < {as_of:Date} group by day"
        " having countIf(category = {edition:String}) > 0",
        _span(as_of) | {"edition": _EDITION},
    )
    return {row["day"]: row["events"] for row in found}


def _span(as_of: date) -> dict[str, object]:
    return {"first": as_of - timedelta(days=KEPT_DAYS), "as_of": as_of}


def _profile(client: "Client", days: Sequence[date], part: int) -> None:
    """Put exactly these days' profiles in place, each in one step."""
    from warehouse.taxonomy import load

    taxonomy = load()
    aside = "ops.profiles__aside"
    define(client, f"drop table if exists {aside} sync")
    define(client, f"create table {aside} as ops.profiles")
    try:
        for query in (*_QUERIES, _SIGNED):
            client.command(
                f"insert into {aside} (day, subject, dimension, category, events,"
                f" people) {_filled(query, days, part, taxonomy)}",
                settings={"use_variant_as_common_type": 0},
            )
        for day in days:
            client.command(
                f"alter table ops.profiles replace partition '{day}' from {aside}"
            )
    finally:
        define(client, f"drop table if exists {aside} sync")


def _filled(query: str, days: Iterable[date], part: int, taxonomy: "Taxonomy") -> str:
    words = {True: ["('', '')"], False: ["('', '')"]}
    for event, one in _shown_words(taxonomy):
        words[_is_listed(one)].append(f"('{event}', '{one.name}')")
    filled = {
        "days": ", ".join(f"toDate('{day}')" for day in days),
        "part": str(part),
        "names": ", ".join(f"'{name}'" for name in taxonomy.events),
        "words": ", ".join(words[True]),
        "values": ", ".join(words[False]),
        "ids": ", ".join(["('', '')", *_ids(taxonomy)]),
        "planned": ", ".join(
            f"('{event.name}', '{name}')"
            for event in taxonomy.events.values()
            for name in event.properties
        ),
    }
    for name, text in filled.items():
        query = query.replace("{" + name + "}", text)
    return query.replace("{{", "{").replace("}}", "}")


def _shown_words(taxonomy: "Taxonomy") -> Iterator[tuple[str, "Property"]]:
    """Properties whose values may be shown: words of a vocabulary, nobody's own."""
    for event in taxonomy.events.values():
        for one in event.properties.values():
            is_short = one.enum or (one.max_length or _LONGEST_WORD) <= _LONGEST_WORD
            is_nobodys = one.personal == "none" and not one.name.endswith("_id")
            if one.type == "string" and is_short and is_nobodys:
                yield event.name, one


def _is_listed(one: "Property") -> bool:
    """Whether its values are few and everybody's: listed, or codes of some letters."""
    return bool(one.enum) or _CODE.fullmatch(one.pattern or "") is not None


def _ids(taxonomy: "Taxonomy") -> Iterator[str]:
    """Properties that tell things apart; their values are counted, never shown."""
    for event in taxonomy.events.values():
        for one in event.properties.values():
            if one.type == "string" and one.name.endswith("_id"):
                yield f"('{event.name}', '{one.name}')"
