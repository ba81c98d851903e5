"""The day's work in its order: what a step needs, and what a closed gate keeps back.

A step runs when all that it needs has passed. A gate that closes, or a step that
fails, keeps back exactly what needs it; everything else goes on.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from warehouse.errors import GateClosed, NotEnoughData, QuestlogError
from warehouse.settings import Settings

State = Literal["done", "closed", "failed", "skipped", "kept back"]


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the day's work; `needs` are the names of others before it."""

    name: str
    act: Callable[[], object]
    needs: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step, and why, where it was not done."""

    name: str
    state: State
    because: str = ""
    seconds: float = field(default=0.0, compare=False)


def carry_out(
    steps: Iterable[Step], tell: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Run steps in their order; `tell` hears of each as it ends."""
    outcomes: dict[str, Outcome] = {}
    for step in steps:
        missing = [name for name in step.needs if outcomes[name].state != "done"]
        if missing:
            reason = f"needs {', '.join(missing)}"
            outcome = Outcome(step.name, _after(outcomes, missing), reason)
        else:
            outcome = _done(step)
        outcomes[step.name] = outcome
        tell(outcome)
    return list(outcomes.values())


def _after(outcomes: Mapping[str, Outcome], missing: Sequence[str]) -> State:
    """What needs a thing that was skipped is skipped; else it is kept back."""
    states = {outcomes[name].state for name in missing}
    return "skipped" if states == {"skipped"} else "kept back"


def _done(step: Step) -> Outcome:
    began = time.monotonic()
    state: State = "done"
    because = ""
    try:
        step.act()
    except GateClosed as error:
        state, because = "closed", str(error)
    except NotEnoughData as error:
        state, because = "skipped", str(error)
    except QuestlogError as error:
        state, because = "failed", str(error)
    return Outcome(step.name, state, because, time.monotonic() - began)


def of_a_day(settings: Settings, as_of: date, *, push: bool) -> list[Step]:
    """All that Airflow's DAGs do for a day; models are trained where it is due."""
    day = as_of.isoformat()
    return [
        *_warehouse(settings, as_of),
        *_model("churn", settings, as_of),
        *_model("early_churn", settings, as_of),
        *_model("lifetime_value", settings, as_of),
        Step("choose audiences", _choose(day), ("publish marts",)),
        Step(
            "gate audiences",
            _gate("audiences", settings, as_of),
            ("choose audiences",),
        ),
        *(
            # each asks the gate for itself: one that is bad holds back no other
            [Step("push audiences", _push(day), ("choose audiences",))] if push else []
        ),
    ]


def _warehouse(settings: Settings, as_of: date) -> list[Step]:
    from warehouse.transformation import build

    def built(layer: str) -> Callable[[], object]:
        # RFM of marts is about where data end, as in the DAG
        day = as_of if layer == "features" else None
        return lambda: build(settings, layer, as_of=day)

    return [
        Step("build staging", built("staging")),
        Step("gate staging", _gate("staging", settings, as_of), ("build staging",)),
        Step("build marts", built("marts"), ("gate staging",)),
        Step("gate marts", _gate("marts", settings, as_of), ("build marts",)),
        Step("publish marts", _publish("marts", settings), ("gate marts",)),
        # features read what marts are built from, not the marts
        Step("build features", built("features"), ("build marts",)),
        Step("gate features", _gate("features", settings, as_of), ("build features",)),
        Step("publish features", _publish("features", settings), ("gate features",)),
    ]


def _model(kind: str, settings: Settings, as_of: date) -> list[Step]:
    score = f"score {kind}"
    return [
        Step(score, _score(kind, as_of.isoformat()), ("publish features",)),
        Step(f"gate {kind}", _gate(kind, settings, as_of), (score,)),
    ]


def _gate(name: str, settings: Settings, as_of: date) -> Callable[[], object]:
    def check() -> None:
        from expectations import gates

        gates.check(name, as_of, settings)

    return check


def _publish(database: str, settings: Settings) -> Callable[[], object]:
    def publish() -> None:
        from warehouse import publishing
        from warehouse.clickhouse import connect

        with connect(settings) as client:
            publishing.require_open_gate(client, database)
            publishing.publish(client, database)

    return publish


def _score(kind: str, day: str) -> Callable[[], object]:
    def score() -> None:
        import importlib

        from ml.retraining import due_at_door, model_at_door

        model = model_at_door(kind, day, due_at_door(kind, day))
        importlib.import_module(f"ml.{kind}").score(model, day)

    return score


def _choose(day: str) -> Callable[[], object]:
    def choose() -> None:
        from activation.audiences import choose as choose_members

        choose_members(day)

    return choose


def _push(day: str) -> Callable[[], object]:
    def push() -> None:
        from activation.audiences import push_judged

        push_judged(day)

    return push
