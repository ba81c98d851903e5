"""The population stability index, against arithmetic."""

import numpy as np
import pytest

from ml.drift import MOVED, Reference


def test_the_same_people_have_not_moved() -> None:
    crowd = {"tenure": np.arange(100.0), "score": np.zeros(100)}

    assert Reference.learn(crowd).index(crowd) == {"tenure": 0, "score": 0}


def test_a_shift_is_the_sum_over_groups_of_difference_times_log_ratio() -> None:
    before, now = np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0], [20, 80])

    found = Reference.learn({"plan": before}).index({"plan": now})

    plain = -0.3 * np.log(0.2 / 0.5) + 0.3 * np.log(0.8 / 0.5)
    assert found["plan"] == pytest.approx(plain)
    assert found["plan"] > MOVED


def test_values_never_seen_give_a_large_but_finite_index() -> None:
    reference = Reference.learn({"age": np.arange(50.0)})

    found = Reference.read(reference.files()).index({"age": np.full(30, 900.0)})

    assert MOVED < found["age"] < 100


def test_columns_of_one_side_alone_are_passed_over() -> None:
    reference = Reference.learn({"gone": np.ones(9), "age": np.ones(9)})

    assert reference.index({"new": np.ones(9), "age": np.ones(9)}) == {"age": 0}
