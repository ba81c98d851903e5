"""Intervals by drawing people again, and the curve of reliability."""

import numpy as np
import pytest

from ml.cards import reliability, resampling
from ml.cards.resampling import resample
from ml.measures import of_amounts, of_probabilities


def test_weighted_measures_of_everyone_once_are_the_measures() -> None:
    generator = np.random.default_rng(1)
    said = np.round(generator.random(500), 2)
    happened = (generator.random(500) < said).astype(float)
    spent, told = np.floor(generator.exponential(2, 500)), np.round(said, 1)

    chances = resampling.of_probabilities(happened, said)(np.ones(500))
    amounts = resampling.of_amounts(spent, told)(np.ones(500))

    whole = of_probabilities(happened, said) | of_amounts(spent, told)
    assert chances == pytest.approx({name: whole[name] for name in chances})
    assert amounts == pytest.approx({name: whole[name] for name in amounts})


def test_a_weight_of_two_counts_a_person_twice() -> None:
    generator = np.random.default_rng(2)
    said = np.round(generator.random(80), 1)
    happened = (generator.random(80) < said).astype(float)
    weights = generator.integers(0, 3, 80)
    twice = np.repeat(np.arange(80), weights)

    found = resampling.of_probabilities(happened, said)(weights.astype(float))

    measured = of_probabilities(happened[twice], said[twice])
    assert found == pytest.approx({name: measured[name] for name in found})


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        heads = (np.random.default_rng(seed).random(400) < 0.3).astype(float)
        figures = resample(
            400, lambda w, heads=heads: {"": {"share": float(w @ heads / w.sum())}}
        )
        found = figures.interval("", "share")
        held += found.low <= 0.3 <= found.high

    assert 51 <= held <= 60


def test_choosing_among_equals_flatters_and_choosing_nothing_does_not() -> None:
    generator = np.random.default_rng(3)
    noise = {f"{n}": generator.normal(size=200) for n in range(5)}
    figures = resample(
        200,
        lambda w: {name: {"gain": float(w @ x / w.sum())} for name, x in noise.items()},
    )

    best = figures.flattery(
        lambda found: max(found, key=lambda n: found[n]["gain"]), "gain"
    )
    always = figures.flattery(lambda _: "0", "gain")

    assert best > 0.02
    assert abs(always) < 0.01


def test_wilsons_interval_is_the_published_one() -> None:
    found = reliability.wilson(81, 263)

    assert (found.value, found.low, found.high) == pytest.approx(
        (0.3080, 0.2553, 0.3662), abs=1e-4
    )


def test_a_right_model_errs_by_luck_alone() -> None:
    said = np.random.default_rng(4).random(2000)
    happened = (np.random.default_rng(7).random(2000) < said).astype(float)

    luck = reliability.by_luck(said)

    assert luck.low <= reliability.error(happened, said) <= luck.high
    assert reliability.error(happened, said**3) > luck.high
