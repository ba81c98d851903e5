"""Unbounded retention: who comes back so many days after the first event, or later."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import parameters
from warehouse.questions.intervals import rate_with_interval
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The span is [date_from, date_to); an event that is null is any event."""

    first_event: str | None = None
    returning_event: str | None
    periods_days: tuple[int, ...] = (0, 1, 7, 14, 28)
    date_from: str | None = None
    date_to: str | None = None
    first_where: parameters.Where | None = None
    returning_where: parameters.Where | None = None
    time_zone: str = "UTC"


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """People who began, and of them those retained after each number of days."""
    asked = parameters.read("unbounded_retention", Parameters, given)
    first = parameters.require_where(asked.first_where or {}, "first_where")
    back = parameters.require_where(asked.returning_where or {}, "returning_where")
    ends = {
        name: None
        if text is None
        else parameters.milliseconds(text, name, asked.time_zone)
        for name, text in (("date_from", asked.date_from), ("date_to", asked.date_to))
    }
    query = render(
        "ask_unbounded_retention",
        events=events,
        first={"event": asked.first_event, "where": first},
        returning={"event": asked.returning_event, "where": back},
        days=asked.periods_days,
        **ends,
    )
    found = rows(client, query)[0]
    total = found["total_users"]
    return {
        "periods_days": list(asked.periods_days),
        "total_users": total,
        "unique_users": found["unique_users"],
        "pct": [users / total if total else None for users in found["unique_users"]],
        "intervals_of_pct": [
            rate_with_interval(users, total) for users in found["unique_users"]
        ],
    }
