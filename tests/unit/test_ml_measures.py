"""What the figures of a judgement mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.measures import (
    calibration_error,
    lift,
    log_loss,
    of_amounts,
    of_probabilities,
    spearman,
)


def numbers(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def test_a_perfect_ranking_has_full_precision_and_all_the_lift_there_is() -> None:
    happened = numbers(1, 1, *[0] * 18)
    probability = np.linspace(0.9, 0.1, 20)

    found = of_probabilities(happened, probability)

    assert found["average_precision"] == 1
    assert found["auc"] == 1
    assert found["lift_at_10_percent"] == pytest.approx(10)
    assert found["base_rate"] == pytest.approx(0.1)


def test_one_probability_for_all_lifts_nothing() -> None:
    happened = numbers(1, 0, 0, 1, 0, 0, 0, 0, 1, 0)

    assert lift(happened, np.full(10, 0.3)) == pytest.approx(1)
    assert calibration_error(happened, np.full(10, 0.3)) == pytest.approx(0)


def test_calibration_error_is_the_gap_between_promise_and_outcome() -> None:
    happened = np.tile(numbers(1, 0), 500)

    assert calibration_error(happened, np.full(1000, 0.8)) == pytest.approx(0.3)


@given(st.permutations(range(30)))
@settings(deadline=None)
def test_figures_do_not_depend_on_the_order_of_people(order: list[int]) -> None:
    generator = np.random.default_rng(7)
    probability = generator.integers(1, 6, 30) / 6
    happened = np.arange(30) % 3 % 2 * 1.0
    shuffled = np.array(order)

    first = of_probabilities(happened, probability)
    again = of_probabilities(happened[shuffled], probability[shuffled])

    assert again == pytest.approx(first, abs=1e-12)


def test_log_loss_of_a_wrong_certainty_is_large_and_finite() -> None:
    assert 30 < log_loss(numbers(1.0), numbers(0.0)) < 40


def test_amounts_are_measured_in_their_own_unit() -> None:
    found = of_amounts(actual=numbers(0, 100, 300), predicted=numbers(0, 200, 300))

    assert found["mae"] == pytest.approx(100 / 3)
    assert found["rmse"] == pytest.approx(100 / np.sqrt(3))
    assert found["bias"] == pytest.approx(0.25)
    assert found["spearman"] == pytest.approx(1)


def test_a_window_without_any_sale_still_has_finite_figures() -> None:
    found = of_amounts(actual=numbers(0, 0), predicted=numbers(1, 3))

    assert found["bias"] == 1
    assert spearman(numbers(0, 0), numbers(1, 3)) == 0
