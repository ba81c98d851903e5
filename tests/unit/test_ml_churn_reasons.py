"""Reasons for a chance of leaving, in words."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ml.churn.reasons import in_words, reasons

ANN = pd.DataFrame({"person_id": ["ann"], "days_since_last_active": [21.0]})


class Told:
    """A model that adds what it is told to add."""

    def __init__(self, **added: tuple[float, float]) -> None:
        self.added = {
            name.replace("__", " is "): (np.array([value]), np.array([each]))
            for name, (value, each) in added.items()
        }

    def probabilities(self, people: pd.DataFrame) -> Any:
        return np.full(len(people), 0.5)

    def contributions(self, people: pd.DataFrame) -> Mapping[str, Any]:  # noqa: ARG002
        return self.added

    def files(self) -> dict[str, str]:
        return {}


def test_the_weightiest_reasons_come_first_and_what_speaks_for_staying_not_at_all() -> (
    None
):
    model = Told(
        sessions_28=(0, 0.9), days_since_last_active=(21, 1.4), rolls_28=(80, -2)
    )

    found = reasons(model, ANN)

    assert found["words"].tolist() == [
        "not active for 21 days",
        "0 sessions in the last 28 days",
    ]
    assert found["place"].tolist() == [1, 2]


def test_a_country_is_never_a_reason_nor_is_a_plan_the_person_has_not() -> None:
    model = Told(country__DE=(1, 2.0), plan__free=(0, 1.0), plan__hero=(1, 0.5))

    assert reasons(model, ANN)["words"].tolist() == ["plan is hero"]


def test_a_rule_gives_the_silence_it_judged_by() -> None:
    found = reasons(Told(), ANN)

    assert found["words"].tolist() == ["not active for 21 days"]
    assert found["log_odds"].tolist() == [0.0]


def test_what_was_not_measured_is_said_to_be_unknown() -> None:
    assert in_words("group_size_56", float("nan")) == "group size 56 not known"
