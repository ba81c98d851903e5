"""The survival baseline, and what writing to people by their scores would earn."""

import numpy as np
import pandas as pd
import pytest

from ml.churn.hazard_rule import HazardRule
from ml.churn.profit import Costs, curve

COSTS = Costs(contact_minor=10, kept_minor=100, saved_share=0.5)


def grouped() -> tuple[pd.DataFrame, np.ndarray]:
    """Two kinds of people, of whom a tenth and a half leave."""
    silent = np.repeat([1.0, 30.0], 1000)
    left = np.concatenate([np.arange(1000) % 10 == 0, np.arange(1000) % 2 == 0])
    people = pd.DataFrame({"days_since_last_active": silent, "tenure_days": 100.0})
    return people, left.astype(float)


def test_the_hazard_of_a_span_is_the_share_of_its_people_who_left() -> None:
    people, left = grouped()

    found = HazardRule.fit(people, left).probabilities(people)

    assert found[0] == pytest.approx(0.1, abs=0.002)
    assert found[-1] == pytest.approx(0.5, abs=0.002)


def test_a_person_of_whom_nothing_was_measured_still_has_a_chance() -> None:
    people, left = grouped()
    nobody = pd.DataFrame({"days_since_last_active": [np.nan], "tenure_days": [np.nan]})

    found = HazardRule.fit(people, left).probabilities(nobody)

    assert 0 < found[0] < 1


def test_writing_pays_for_those_above_the_break_even_alone() -> None:
    left = np.repeat([1.0, 0.0], [200, 800])
    scores = np.repeat([0.9, 0.1], [200, 800])

    found = curve(left, scores, COSTS)

    assert COSTS.break_even == 0.2
    assert found.best_share == pytest.approx(0.2)
    # 200 written to at 10 each; half of the leavers stay, worth 100
    assert found.best_minor_per_person == pytest.approx((200 * 50 - 200 * 10) / 1000)


def test_where_writing_never_pays_nobody_is_written_to() -> None:
    left, scores = np.array([1.0, 0.0, 0.0]), np.array([0.9, 0.5, 0.1])

    found = curve(left, scores, Costs(contact_minor=99, kept_minor=1, saved_share=0))

    assert (found.best_share, found.best_minor_per_person) == (0.0, 0.0)
    assert Costs(saved_share=0).break_even == 1.0
