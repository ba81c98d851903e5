"""Paths: what people did after, and before, the first time they did something."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_UNITS = {"person": "person_key", "session": "session_id"}


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """At most `max_length` events, the anchor included; no anchor: the first or last.

    `top` bounds the listed paths (none: all), `top_events` the events of one step of
    the edges; the rest of a step is one node, `(other)`.
    """

    anchor_event: str | None = None
    max_length: int = 6
    collapse_runs: bool = False
    unit: Literal["person", "session"] = "person"
    top: int | None = None
    top_events: int = 10


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """Paths with how many took them, and the edges of a Sankey diagram."""
    asked = parameters.read("paths", Parameters, given)
    common = {
        "events": events,
        "anchor": asked.anchor_event,
        "max_length": asked.max_length,
        "collapse_runs": asked.collapse_runs,
        "unit": _UNITS[asked.unit],
    }
    answered: dict[str, object] = {}
    for direction in ("after", "before"):
        paths = render("ask_paths", **common, direction=direction, top=asked.top)
        answered[direction] = rows(client, paths)
        edges = render(
            "ask_path_edges", **common, direction=direction, top=asked.top_events
        )
        answered[f"edges_{direction}"] = rows(client, edges)
    return answered
