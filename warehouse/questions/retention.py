"""Retention: who comes back in later calendar periods, by cohort."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.intervals import rate_with_interval
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PERIODS_AT_MOST = 1000


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """`where` is asked of both events; an event that is null is any event."""

    target_event: str | None
    returning_event: str | None
    first_interval: str
    intervals: int = 11
    type: Literal["recurring", "first_time"] = "recurring"
    period: Literal["hour", "day", "week", "month"] = "day"
    week_start: Literal["sunday", "monday"] = "monday"
    where: parameters.Where | None = None
    target_where: parameters.Where | None = None
    returning_where: parameters.Where | None = None
    person_filter: list[str] | str | None = None
    time_zone: str = "UTC"


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """One row per cohort, each a cell shorter than the one before; its size first."""
    asked = parameters.read("retention", Parameters, given)
    if not 1 <= asked.intervals <= PERIODS_AT_MOST:
        raise BadInput(f"Parameter intervals: ask for 1 to {PERIODS_AT_MOST} periods.")
    both = parameters.require_where(asked.where or {}, "where")
    target = parameters.require_where(asked.target_where or {}, "target_where")
    back = parameters.require_where(asked.returning_where or {}, "returning_where")
    people = asked.person_filter
    if people is not None:
        named = [people] if isinstance(people, str) else people
        # a person without a user_id is known by the device
        people = [*named, *(f"anon:{one}" for one in named)]
    calendar = {
        "period": asked.period,
        "first_moment": parameters.milliseconds(
            asked.first_interval, "first_interval", asked.time_zone
        ),
        "time_zone": parameters.require_zone(asked.time_zone),
        "week_start": asked.week_start,
    }
    query = render(
        "ask_retention",
        events=events,
        type=asked.type,
        intervals=asked.intervals,
        target={"event": asked.target_event, "where": both | target},
        returning={"event": asked.returning_event, "where": both | back},
        people=people,
        **calendar,
    )
    counts = triangle(rows(client, query), asked.intervals)
    span = rows(client, render("ask_span", events=events, **calendar))[0]
    return {"counts": counts, **judged(counts, last_period=span["last_period"])}


def triangle(cells: Sequence[Mapping[str, Any]], periods: int) -> list[list[int]]:
    """Rows of cohorts from cells of (cohort, later, people); what is not there is 0."""
    table = [[0] * (periods - cohort) for cohort in range(periods)]
    for cell in cells:
        table[cell["cohort"]][cell["later"]] = cell["people"]
    return table


def judged(counts: Sequence[Sequence[int]], *, last_period: int) -> dict[str, object]:
    """Each cell's 95 % interval, and whether its period was over when data ended."""
    return {
        "intervals_of_rate": [
            [rate_with_interval(cell, row[0]) for cell in row] for row in counts
        ],
        "unfinished": [
            [cohort + later >= last_period for later in range(len(row))]
            for cohort, row in enumerate(counts)
        ],
    }
