"""What each producer keeps of its contract: by event type, source and tracker."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from expectations import profiles
from expectations.property_quality import Moved, moved
from warehouse.clickhouse import replace_partition, rows
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

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
    quantileExact(0.95)(
        greatest(0, date_diff('ms', occurred_at, known_at))
    ) / 1000 as late_p95_s,
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
select source, tracker, sum(missing) as missing, sum(there) as numbered from (
    select
        any(source) as source, any({_TRACKER}) as tracker, anonymous_id,
        toDate(known_at, 'UTC') as day, uniqExact(sequence) as there,
        toUInt64(max(sequence) - min(sequence) + 1 - there) as missing
    from raw.events
    where {_SPAN.format(clock="known_at")} and sequence > 0 and anonymous_id != ''
    group by day, anonymous_id having missing < 10 * there + 100
) group by source, tracker
"""


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
    late_p95_s: float = 0.0
    missing: int = 0
    numbered: int = 0
    drift: float = 0.0
    drifted_property: str = ""
    first_seen: tuple[str, ...] = ()
    gone_missing: tuple[str, ...] = ()
    properties: tuple[Moved, ...] = ()


def report(client: "Client", as_of: date, days: int) -> list[Quality]:
    """Measure the days before `as_of`, and keep the result in ops.quality.

    Raises NotEnoughData where no event was ever staged.
    """
    from warehouse.taxonomy import load

    if not int(str(client.command("exists table staging.stg_events"))):
        raise NotEnoughData(
            "Nothing is staged yet, so nothing can be told of what producers send."
            " Build it first: `questlog build staging`."
        )
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
    numbers = {
        (row.pop("source"), row.pop("tracker")): row
        for row in rows(client, _MISSING, span)
    }
    properties = moved(client, as_of, days)
    told = [
        _line(
            line | numbers.get((line["source"], line["tracker"]), {}),
            properties.get(line["event_name"], ()),
        )
        for _, line in sorted(lines.items())
    ]
    _keep(client, as_of, days, told)
    return told


def _line(line: Mapping[str, Any], properties: tuple[Moved, ...]) -> Quality:
    furthest = max(properties, key=lambda one: one.distance, default=Moved(name=""))
    return Quality(
        **line,
        drift=furthest.distance,
        drifted_property=furthest.name if furthest.distance else "",
        first_seen=tuple(one.name for one in properties if one.is_first_seen),
        gone_missing=tuple(one.name for one in properties if one.is_gone_missing),
        properties=properties,
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
                *(_as_kept(getattr(one, name)) for name in names),
            )
            for one in told
        ],
    )


def _as_kept(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [one.as_kept if isinstance(one, Moved) else one for one in value]
