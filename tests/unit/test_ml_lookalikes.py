"""Lookalikes: hidden members of a seed are found again, where they can be."""

import numpy as np
import pytest

from ml.lookalikes.methods import METHODS, cosine, jaccard
from ml.lookalikes.scoring import rank
from ml.people import laid_out
from warehouse.errors import NotEnoughData


def world(
    *, likeness: float, people: int = 3000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, who is truly of the kind, and the half of them that is the seed."""
    chance = np.random.default_rng(4)
    kind = chance.random(people) < 0.1
    values = chance.poisson(np.where(kind, 3 + likeness, 3)[:, None], (people, 6))
    seed = kind & (chance.random(people) < 0.5)
    return values.astype(float), kind, seed


@pytest.mark.parametrize("name", list(METHODS))
def test_each_way_puts_those_of_the_kind_before_the_others(name: str) -> None:
    values, kind, seed = world(likeness=6)

    found = METHODS[name](laid_out(values), seed)

    assert found[kind & ~seed].mean() > np.quantile(found[~kind], 0.8)


def test_the_way_that_finds_most_hidden_members_is_taken() -> None:
    values, _, seed = world(likeness=6)

    found = rank(values, seed)

    best = {name: lifts[0.05][0] for name, lifts in found.lifts.items()}
    assert best[found.method] == max(best.values()) > 3
    assert found.beats_chance


def test_where_a_seed_is_like_everybody_that_is_said() -> None:
    values, _, seed = world(likeness=0)

    assert not rank(values, seed).beats_chance


def test_cosine_and_jaccard_are_those_of_the_books() -> None:
    people = np.array([[1, 1], [1, -1], [-1, -1]], np.float32)
    seed = np.array([True, False, False])

    assert cosine(people, seed) == pytest.approx([1, 0, -1])
    assert jaccard(people, seed) == pytest.approx([1, 1 / 2, 0])


def test_what_was_not_measured_is_taken_for_the_mean() -> None:
    found = laid_out(np.array([[1.0, 5], [np.nan, 5], [3.0, 5]]))

    assert found[1].tolist() == [0, 0]


def test_a_seed_too_small_to_be_judged_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="10 people are in the seed and 90 are not"):
        rank(np.ones((100, 2)), np.arange(100) < 10)
