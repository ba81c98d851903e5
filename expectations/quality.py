"""What each producer keeps of its contract: by event type, source and tracker."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from expectations import profiles
from expectations.shapes import jensen_shannon
from warehouse.clickhouse import frame, replace_partition, rows

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

_BEFORE_DAYS = 28
_LEAST_EVENTS = 30
_NUMBER = re.compile(r"(?P<minus>minus )?(?:about )?(?P<digits>-?\d+(?:\.\d+)?)")
# an event that is sent without a property now and then has not lost it
_RARE_SHARE = 0.02
_TRACKER = "JSONExtractString(context, 'tracker')"
_SPAN = (
    "toDate({clock}, 'UTC') >= {{first:Date}}"
    " and toDate({clock}, 'UTC') < {{as_of:Date}}"
)
_KEY = ("event_name", "source", "tracker")
_ACCEPTED = f"""
select
    event_name, source, {_TRACKER} as tracker,
    uniqExact(event_id) as events,
    uniqExactIf(event_id, notEmpty(tags)) as violations,
    uniqExactIf(event_id, known_at > occurred_at + toIntervalHour(1)) as late,
    count() - events as copies
from raw.events where {_SPAN.format(clock="known_at")}
group by event_name, source, tracker
"""
_REFUSED = f"""
select
    if(bare in ({{names:Array(String)}}), bare, 'unplanned') as event_name,
    source, count() as refused
from (
    select source, received_at, splitByChar('.', event_name)[-1] as bare
    from raw.refused_events
) where {_SPAN.format(clock="received_at")}
group by event_name, source
"""
_MISSING = f"""
select source, tracker, sum(missing) as missing from (
    select
        any(source) as source, any({_TRACKER}) as tracker, anonymous_id,
        toDate(known_at, 'UTC') as day, uniqExact(sequence) as there,
        toUInt64(max(sequence) - min(sequence) + 1 - there) as missing
    from raw.events
    where {_SPAN.format(clock="known_at")} and sequence > 0 and anonymous_id != ''
    group by day, anonymous_id having missing < 10 * there + 100
) group by source, tracker
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """How the properties of an event moved against the weeks before."""

    distance: float = 0.0
    of: str = ""
    first_seen: tuple[str, ...] = ()
    gone_missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One line of the report; the columns are those of ops.quality."""

    event_name: str
    source: str
    tracker: str
    events: int = 0
    refused: int = 0
    violations: int = 0
    late: int = 0
    copies: int = 0
    missing: int = 0
    drift: float = 0.0
    drifted_property: str = ""
    first_seen: tuple[str, ...] = ()
    gone_missing: tuple[str, ...] = ()


def report(client: "Client", as_of: date, days: int) -> list[Quality]:
    """Measure the days before `as_of`, and keep the result in ops.quality."""
    from warehouse.taxonomy import load

    profiles.keep(client, as_of)
    span = {"first": as_of - timedelta(days=days), "as_of": as_of}
    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in rows(client, _ACCEPTED, span):
        lines[row["event_name"], row["source"], row["tracker"]] = dict(row)
    names = list(load().events)
    for row in rows(client, _REFUSED, span | {"names": names}):
        key = (row["event_name"], row["source"], "")
        lines.setdefault(key, dict(zip(_KEY, key, strict=True)))
        lines[key]["refused"] = row["refused"]
    missing = {
        (row["source"], row["tracker"]): row["missing"]
        for row in rows(client, _MISSING, span)
    }
    drifts = _drifts(client, as_of, days)
    told = [
        _line(line, missing, drifts.get(line["event_name"], Drift()))
        for _, line in sorted(lines.items())
    ]
    _keep(client, as_of, days, told)
    return told


def _line(
    line: Mapping[str, Any], missing: Mapping[tuple[str, str], int], drift: Drift
) -> Quality:
    return Quality(
        **line,
        missing=missing.get((line["source"], line["tracker"]), 0),
        drift=drift.distance,
        drifted_property=drift.of,
        first_seen=drift.first_seen,
        gone_missing=drift.gone_missing,
    )


def _keep(client: "Client", as_of: date, days: int, told: list[Quality]) -> None:
    names = [column.name for column in fields(Quality)]
    replace_partition(
        client,
        table="ops.quality",
        partition=f"'{as_of}'",
        columns=("as_of", "days", *names),
        values=[
            (
                as_of,
                days,
                *(
                    list(value) if isinstance(value, tuple) else value
                    for value in (getattr(one, name) for name in names)
                ),
            )
            for one in told
        ],
    )


def _drifts(client: "Client", as_of: date, days: int) -> dict[str, Drift]:
    """By event: properties of its days beside those of four weeks before."""
    cells = frame(
        client,
        "select subject, dimension, category,"
        " sumIf(events, day >= {first:Date}) as now,"
        " sumIf(events, day < {first:Date}) as before from ops.profiles"
        " where (startsWith(dimension, 'property ') or dimension = 'properties')"
        " and day < {as_of:Date} and day >= {began:Date}"
        " group by subject, dimension, category",
        {
            "first": as_of - timedelta(days=days),
            "began": as_of - timedelta(days=days + _BEFORE_DAYS),
            "as_of": as_of,
        },
    )
    # a frame of no rows has no columns either
    by_event = cells.groupby("subject") if len(cells) else ()
    return {str(event): _drift(of_event) for event, of_event in by_event}


def _drift(cells: "pd.DataFrame") -> Drift:
    there = cells[cells["dimension"] == "properties"].set_index("category")
    first = there[(there["before"] == 0) & (there["now"] > 0)]
    usual = there["before"].max() * _RARE_SHARE
    gone = there[(there["before"] > usual) & (there["now"] == 0)]
    furthest = (0.0, "")
    for dimension, of_property in cells[cells["dimension"] != "properties"].groupby(
        "dimension"
    ):
        counts = of_property.set_index("category")[["now", "before"]]
        if counts.sum().min() >= _LEAST_EVENTS:
            name = str(dimension).removeprefix("property ")
            furthest = max(furthest, (distance(counts), name))
    return Drift(
        round(furthest[0], 4),
        furthest[1],
        tuple(sorted(map(str, first.index))),
        tuple(sorted(map(str, gone.index))),
    )


def distance(counts: "pd.DataFrame") -> float:
    """Of numbers the gap of Kolmogorov and Smirnov, of words Jensen and Shannon's."""
    numbers = [_number(str(category)) for category in counts.index]
    sizes = [number for number in numbers if number is not None]
    if len(sizes) == len(numbers):
        ordered = counts.assign(number=sizes).sort_values("number")
        sides = ordered[["now", "before"]]
        shares = (sides / sides.sum()).cumsum()
        return float((shares["now"] - shares["before"]).abs().max())
    return jensen_shannon(counts["now"], counts["before"])


def _number(category: str) -> float | None:
    found = _NUMBER.fullmatch(category)
    if not found:
        return None
    size = float(found["digits"])
    return -size if found["minus"] else size
