"""Attribution: which channels brought the conversions and their revenue."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import moments, parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ALSO_CALLED: Final = {
    "first": "first_touch",
    "last": "last_touch",
    "position": "position_based",
}
_REVENUE: Final = ("revenue", "amount", "value", "amount_cents")


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Conversions in `window` [from, to), and the touches in the days before each.

    `revenue_property` none: the first of revenue, amount, value and amount_cents that
    the conversion has. `users` asks for the path of each conversion.
    """

    conversion_event: str
    touch_event: str
    channel_property: str = "channel"
    revenue_property: str | None = None
    lookback_days: float = 30
    window: list[str | None] | None = None
    channels_to_exclude: list[str] = []
    collapse_runs: bool = True
    half_life_days: float = 7
    users: bool = True


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """Each conversion's path, paths summed up, and each model's credits."""
    asked = parameters.read("attribution", Parameters, given)
    common = _common(events, asked)
    answered = rows(
        client,
        render("ask_attribution", **common, half_life_days=asked.half_life_days),
    )
    summary = [_path(row) for row in answered if not row["model"]]
    found: dict[str, object] = {
        "conversions": sum(row["conversions"] for row in summary),
        "revenue": sum(row["revenue"] for row in summary),
        "path_summary": summary,
        "credits": _by_model([row for row in answered if row["model"]]),
    }
    if asked.users:
        paths = rows(client, render("ask_attribution_paths", **common))
        found["paths_to_conversion"] = [_told(row) for row in paths]
    return found


def _common(events: str, asked: Parameters) -> dict[str, Any]:
    """What both queries are asked with."""
    bounds = asked.window or [None, None]
    if len(bounds) != 2:  # noqa: PLR2004  from and to
        raise BadInput("Question attribution: window is a list of from and to.")
    if asked.half_life_days <= 0:
        raise BadInput("Parameter half_life_days: a half-life is longer than 0 days.")
    start, end = bounds
    named = [asked.revenue_property] if asked.revenue_property else list(_REVENUE)
    return {
        "touches": render(
            "q_touches",
            events=events,
            event=asked.touch_event,
            channel_property=asked.channel_property,
        ),
        "conversions": render(
            "q_conversions",
            events=events,
            event=asked.conversion_event,
            revenue_properties=named,
        ),
        "lookback_days": asked.lookback_days,
        "from_moment": start and parameters.milliseconds(start, "window"),
        "to_moment": end and parameters.milliseconds(end, "window"),
        "exclude": asked.channels_to_exclude,
        "collapse_runs": asked.collapse_runs,
    }


def _path(row: Mapping[str, Any]) -> dict[str, Any]:
    """How often a path led to a conversion, and how often to none."""
    return {
        "transformed_path": row["channel"],
        "conversions": int(row["conversions"]),
        "non_conversions": row["non_conversions"],
        "revenue": row["revenue"],
    }


def _told(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "customer_id": row["person_id"],
        "conversion_tstamp": moments.written(row["converted_at"]),
        "revenue": row["revenue"],
        "path": " > ".join(row["path"]),
        "transformed_path": " > ".join(row["transformed_path"]),
    }


def _by_model(credited: list[dict[str, Any]]) -> dict[str, dict[str, object]]:
    """Credits by model, under each name the model goes by, and channel."""
    models: dict[str, dict[str, object]] = defaultdict(dict)
    for row in credited:
        share = {"conversions": row["conversions"], "revenue": row["revenue"]}
        models[row["model"]][row["channel"]] = share
        if row["model"] in _ALSO_CALLED:
            models[_ALSO_CALLED[row["model"]]][row["channel"]] = share
    return dict(models)
