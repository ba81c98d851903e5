"""Paths: what people did after, and before, the first time they did something."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PATH = ("path", "users")
_EDGE = ("step", "from_event", "to_event", "people")
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
    if asked.max_length < 1:
        raise BadInput("Parameter max_length: a path has one event or more.")
    query = render(
        "ask_paths",
        events=events,
        anchor=asked.anchor_event,
        max_length=asked.max_length,
        collapse_runs=asked.collapse_runs,
        unit=_UNITS[asked.unit],
        top=asked.top,
        top_events=asked.top_events,
    )
    sides = {row["direction"]: row for row in rows(client, query)}
    answered: dict[str, object] = {}
    for direction in ("after", "before"):
        side = sides.get(direction, {"paths": [], "edges": []})
        answered[direction] = _named(side["paths"], _PATH)
        answered[f"edges_{direction}"] = _named(side["edges"], _EDGE)
    return answered


def _named(
    found: list[tuple[Any, ...] | dict[str, Any]], columns: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Tuples of the engine as rows; it names some of its tuples itself."""
    return [
        dict(zip(columns, one.values() if isinstance(one, dict) else one, strict=True))
        for one in found
    ]
