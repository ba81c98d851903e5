"""The engine's own window funnel: how many steps each person takes, by its modes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_MODES: Final = (
    "strict_deduplication",
    "strict_increase",
    "strict_order",
    "strict_once",
    "allow_reentry",
)


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One funnel: names of events in order, within the window of the first."""

    steps: list[str]
    window_seconds: float
    mode: list[str] | str = []


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Several funnels over the same events."""

    tests: list[Test]


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """The level of every person with any event, for each funnel."""
    if "tests" not in given and "steps" in given:
        given = {"tests": [given]}
    asked = parameters.read("window_funnel", Parameters, given)
    return {"tests": [_answered(client, events, test) for test in asked.tests]}


def _answered(client: "Client", events: str, test: Test) -> dict[str, object]:
    modes = [test.mode] if isinstance(test.mode, str) else test.mode
    for mode in modes:
        if mode not in _MODES:
            raise BadInput(
                f"Parameter mode: there is no {mode!r}; there are {', '.join(_MODES)}."
            )
    if not test.steps:
        raise BadInput("Parameter steps: a funnel has one step or more.")
    query = render(
        "ask_window_funnel",
        events=events,
        steps=[{"event": step, "where": None} for step in test.steps],
        window_ms=round(test.window_seconds * 1000),
        modes=modes,
    )
    return {
        **msgspec.to_builtins(test),
        "level_per_user": {row["person"]: row["level"] for row in rows(client, query)},
    }
