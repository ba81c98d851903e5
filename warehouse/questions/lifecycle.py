"""Lifecycle: who is new, returning, resurrecting or gone dormant in each period."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import moments, parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_DAY_MS = 86_400_000


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The first period holds `date_from`; there are `days` or `periods`, or `date_to`.

    `event` none: any event is activity. `first_seen_by`: people are new when any event
    of theirs is first seen, or when this one is. `new_means` says it to readers.
    """

    date_from: str
    period: Literal["hour", "day", "week", "month"] = "day"
    days: int | None = None
    periods: int | None = None
    date_to: str | None = None
    event: str | None = None
    first_seen_by: Literal["any", "event"] = "any"
    new_means: str | None = None
    week_start: Literal["monday", "sunday"] = "monday"
    time_zone: str = "UTC"


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """People of each standing, one number a period; dormant is negative."""
    asked = parameters.read("lifecycle", Parameters, given)
    first = parameters.milliseconds(asked.date_from, "date_from", asked.time_zone)
    query = render(
        "ask_lifecycle",
        events=events,
        first_moment=first,
        **_extent(asked, first),
        event=asked.event,
        period=asked.period,
        timezone=parameters.require_zone(asked.time_zone),
        week_start=asked.week_start,
        first_seen_by=asked.first_seen_by,
    )
    found = rows(client, query)
    standings = ("new", "returning", "resurrecting", "dormant", "active")
    return {
        "period_starts": [str(row["period_start"])[:19] for row in found],
        **{name: [row[name] for row in found] for name in standings},
    }


def _extent(asked: Parameters, first: int) -> dict[str, int]:
    """How far the periods go: by number, or by the last moment of the last."""
    if asked.period == "day" and asked.days is not None:
        return {"periods": asked.days}
    if asked.periods is not None:
        return {"periods": asked.periods}
    if asked.days is not None:
        return {"last_moment": first + asked.days * _DAY_MS - 1}
    if asked.date_to is not None:
        return {
            "last_moment": moments.last_millisecond(
                asked.date_to, "date_to", asked.time_zone
            )
        }
    raise BadInput("Question lifecycle: give days, periods or date_to.")
