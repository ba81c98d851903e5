"""Retention flags: who of one day's people came back on given later days."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The cohort is who did `event` on `cohort_day`; no `days`: every later one."""

    event: str
    cohort_day: str
    days: list[str] | None = None
    time_zone: str = "UTC"


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """People of the cohort, and those of them active on each later day."""
    asked = parameters.read("retention_flags", Parameters, given)
    cohort_day = parameters.day(asked.cohort_day, "cohort_day").isoformat()
    days = asked.days
    if days is not None:
        days = [parameters.day(day, "days").isoformat() for day in days]
    query = render(
        "ask_retention_flags",
        events=events,
        event=asked.event,
        cohort_day=cohort_day,
        days=days,
        time_zone=parameters.require_zone(asked.time_zone),
    )
    found = rows(client, query)[0]
    retained = dict(zip(map(str, found["days"]), found["retained"], strict=True))
    return {
        "cohort": found["cohort"],
        "retained": retained,
        "retained_on_all": found["retained_on_all"],
        # of two days, as the engine's own test calls it
        "retained_on_both": found["retained_on_all"],
        "three_day_vector": [found["cohort"], *found["retained"]],
    }
