"""The day's work: a closed gate keeps back exactly what needs it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from questlog.pipeline import Outcome, Step, carry_out, of_a_day
from warehouse.errors import GateClosed, NotEnoughData, QuestlogError, Unavailable
from warehouse.settings import Settings


def raising(error: QuestlogError) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def the_work(failing: str = "", error: QuestlogError | None = None) -> list[Outcome]:
    """The steps of a day, none of which does anything but the one that fails."""
    steps = of_a_day(Settings(home=Path("nowhere")), date(2026, 3, 1), push=True)
    return carry_out(
        [
            Step(
                step.name,
                raising(error) if error and step.name == failing else lambda: None,
                step.needs,
            )
            for step in steps
        ]
    )


def states(outcomes: list[Outcome]) -> dict[str, str]:
    return {one.name: one.state for one in outcomes if one.state != "done"}


def test_without_a_fault_all_is_done_in_order() -> None:
    outcomes = the_work()

    assert states(outcomes) == {}
    assert [one.name for one in outcomes][:3] == [
        *("build staging", "gate staging", "build marts")
    ]


def test_a_closed_gate_of_marts_lets_features_and_scores_go_on() -> None:
    outcomes = the_work("gate marts", GateClosed("closed"))

    assert states(outcomes) == {
        "gate marts": "closed",
        "publish marts": "kept back",
        "choose audiences": "kept back",
        "gate audiences": "kept back",
        "push audiences": "kept back",
    }


def test_a_closed_gate_of_staging_keeps_everything_back() -> None:
    outcomes = the_work("gate staging", GateClosed("closed"))

    assert {one.state for one in outcomes[2:]} == {"kept back"}


def test_closed_scores_keep_no_audience_back() -> None:
    outcomes = the_work("gate churn", GateClosed("closed"))

    assert states(outcomes) == {"gate churn": "closed"}


def test_a_closed_gate_of_audiences_lets_each_push_ask_for_itself() -> None:
    outcomes = the_work("gate audiences", GateClosed("closed for at_risk"))

    assert states(outcomes) == {"gate audiences": "closed"}


def test_a_model_with_too_little_data_is_skipped_with_its_gate() -> None:
    outcomes = the_work("score churn", NotEnoughData("young"))

    assert states(outcomes) == {"score churn": "skipped", "gate churn": "skipped"}


def test_what_was_away_is_a_failure_with_its_reason() -> None:
    (outcome, *_) = the_work("build staging", Unavailable("no ClickHouse"))

    assert outcome == Outcome("build staging", "failed", "no ClickHouse")


def test_a_bug_is_no_outcome() -> None:
    def bug() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carry_out([Step("one", bug)])
