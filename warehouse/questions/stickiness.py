"""Stickiness: how many people came back in how many hours, days, weeks or months."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import moments, parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """From `date_from` to `date_to`, both included; `event` none: any event."""

    date_from: str
    date_to: str
    event: str | None = None
    interval: Literal["hour", "day", "week", "month"] = "day"
    intervals: int | None = None
    week_start: Literal["monday", "sunday"] = "monday"
    time_zone: str = "UTC"


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """All people, and how many of them were active in exactly 1, 2, … intervals."""
    asked = parameters.read("stickiness", Parameters, given)
    query = render(
        "ask_stickiness",
        events=events,
        from_moment=parameters.milliseconds(
            asked.date_from, "date_from", asked.time_zone
        ),
        to_moment=moments.last_millisecond(asked.date_to, "date_to", asked.time_zone),
        intervals=asked.intervals,
        event=asked.event,
        interval=asked.interval,
        timezone=parameters.require_zone(asked.time_zone),
        week_start=asked.week_start,
    )
    histogram = [row["people"] for row in rows(client, query)]
    return {"people": sum(histogram), "histogram": histogram}
