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


# what the engine called a mode in earlier versions, whose tests are still about
_ONCE_CALLED: Final = {"strict": "strict_deduplication"}


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One funnel: names of events in order, within the window of the first."""

    steps: list[str]
    window_seconds: float
    mode: list[str] | str = []


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Several funnels over the same events; `users` asks for each one's level."""

    tests: list[Test]
    users: bool = True


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """The level of every person with any event, for each funnel."""
    if "tests" not in given and "steps" in given:
        own = {name: value for name, value in given.items() if name != "users"}
        given = {"tests": [own], "users": given.get("users", True)}
    asked = parameters.read("window_funnel", Parameters, given)
    return {
        "tests": [
            {
                **msgspec.to_builtins(test),
                **_answered(client, _query(events, test), len(test.steps), asked.users),
            }
            for test in asked.tests
        ]
    }


def _query(events: str, test: Test) -> dict[str, Any]:
    """What the templates take. Raises BadInput for a mode or steps that can't be."""
    named = [test.mode] if isinstance(test.mode, str) else test.mode
    modes = [_ONCE_CALLED.get(mode, mode) for mode in named]
    for mode in modes:
        if mode not in _MODES:
            raise BadInput(
                f"Parameter mode: there is no {mode!r}; there are {', '.join(_MODES)}."
            )
    if not test.steps:
        raise BadInput("Parameter steps: a funnel has one step or more.")
    return {
        "events": events,
        "steps": [{"event": step, "where": None} for step in test.steps],
        "window_ms": round(test.window_seconds * 1000),
        "modes": modes,
    }


def _answered(
    client: "Client",
    rendered: Mapping[str, Any],
    steps: int,
    users: bool,  # noqa: FBT001  as the parameter says
) -> dict[str, object]:
    """How many people came to which level and, where asked, each one's."""
    if not users:
        query = render("ask_window_funnel_levels", **rendered)
        counted = {row["level"]: row["people"] for row in rows(client, query)}
        return {"people_by_level": [counted.get(one, 0) for one in range(steps + 1)]}
    found = rows(client, render("ask_window_funnel", **rendered))
    levels = [row["level"] for row in found]
    return {
        "people_by_level": [levels.count(level) for level in range(steps + 1)],
        "level_per_user": {row["person"]: row["level"] for row in found},
    }
