"""Cohort retention: people by their first period, and whether cohorts differ."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.intervals import holm, homogeneity
from warehouse.questions.retention import PERIODS_AT_MOST, judged, triangle
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Without `first_day`, `days` and `months`: from the first event to the last.

    `finished_only` compares cohorts by periods that were over when data ended.
    """

    period: Literal["day", "week", "month"] = "day"
    first_day: str | None = None
    days: int | None = None
    weeks: int | None = None
    months: int | None = None
    week_start: Literal["sunday", "monday"] = "monday"
    time_zone: str = "UTC"
    finished_only: bool = False


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """People, the whole table, and for each later period a test between cohorts."""
    asked = parameters.read("cohort_retention", Parameters, given)
    calendar = {
        "period": asked.period,
        "time_zone": parameters.require_zone(asked.time_zone),
        "week_start": asked.week_start,
    }
    first = None
    if asked.first_day is not None:
        first = parameters.milliseconds(asked.first_day, "first_day", asked.time_zone)
    span = rows(
        client, render("ask_span", events=events, first_moment=first, **calendar)
    )[0]
    if first is None:
        first = round(span["began_at"].timestamp() * 1000)
    given_periods = {"day": asked.days, "week": asked.weeks, "month": asked.months}
    periods = given_periods[asked.period]
    if periods is None:
        periods = min(max(span["last_period"] + 1, 1), PERIODS_AT_MOST)
    if not 1 <= periods <= PERIODS_AT_MOST:
        raise BadInput(
            f"Parameter {asked.period}s: ask for 1 to {PERIODS_AT_MOST} periods."
        )
    query = render(
        "ask_cohort_retention",
        events=events,
        first_moment=first,
        periods=periods,
        **calendar,
    )
    table = triangle(rows(client, query), periods)
    compared = table
    if asked.finished_only:
        compared = [
            row[: max(span["last_period"] - cohort, 0)]
            for cohort, row in enumerate(table)
        ]
    return {
        "players": sum(row[0] for row in table),
        "full_table": table,
        "homogeneity": _homogeneity(compared),
        **judged(table, last_period=span["last_period"]),
    }


def _homogeneity(table: Sequence[Sequence[int]]) -> dict[str, dict[str, float]]:
    """Per later period: chi-square over the cohorts that reach it; p also by Holm."""
    tests = {}
    for later in range(1, max(map(len, table), default=0)):
        reaching = [row for row in table if len(row) > later]
        test = homogeneity(
            [row[later] for row in reaching], [row[0] for row in reaching]
        )
        if test is not None:
            tests[str(later)] = test
    corrected = holm([p for _, _, p in tests.values()])
    return {
        later: {"chi2": chi2, "dof": freedom, "p": p, "p_holm": p_holm}
        for (later, (chi2, freedom, p)), p_holm in zip(
            tests.items(), corrected, strict=True
        )
    }
