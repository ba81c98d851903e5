"""How far a figure could be off by the luck of who was judged: a seeded bootstrap."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SEED = 20260301
Measured = Mapping[str, Mapping[str, float]]
"""Figures by name, of each model by name."""

_WORK, _FEWEST, _MOST = 4_000_000, 100, 400
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % interval; nan where it is not defined."""

    value: float
    low: float = nan
    high: float = nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled:
    """What was measured, and the same of as many people drawn with replacement."""

    measured: Measured
    again: Sequence[Measured]

    def interval(self, model: str, figure: str) -> Interval:
        """A model's figure."""
        return _around(
            self.measured[model][figure], [each[model][figure] for each in self.again]
        )

    def difference(self, model: str, beside: str, figure: str) -> Interval:
        """By how much a model's figure exceeds another's, of the same people."""
        return _around(
            self.measured[model][figure] - self.measured[beside][figure],
            [each[model][figure] - each[beside][figure] for each in self.again],
        )

    def flattery(self, choose: Callable[[Measured], str], figure: str) -> float:
        """How much the choice of a winner adds to the winner's figure, on average.

        In each sample the winner of that sample is looked up among all people:
        Harrell's optimism, of the choice alone.
        """
        won = [(each, choose(each)) for each in self.again]
        gaps = [each[one][figure] - self.measured[one][figure] for each, one in won]
        return float(np.mean(gaps)) if gaps else nan


def resample(people: int, measure: "Callable[[Numbers], Measured]") -> Resampled:
    """Measure everyone once, then with how often each was drawn.

    `measure` takes one weight per person. Samples are 400, fewer (at least 100) where
    there are more than ten thousand people.
    """
    generator = np.random.default_rng(SEED)
    samples = min(max(_WORK // max(people, 1), _FEWEST), _MOST)
    drawn = (
        np.bincount(generator.integers(0, people, people), minlength=people)
        for _ in range(samples if people else 0)
    )
    return Resampled(
        measured=measure(np.ones(people)),
        again=[measure(weights.astype(np.float64)) for weights in drawn],
    )


@dataclass(frozen=True, slots=True)
class Order:
    """People by the value of a prediction; those of equal value share a place."""

    place: "NDArray[np.intp]"

    @classmethod
    def of(cls, values: "Numbers") -> Self:
        """From the lowest value up."""
        return cls(np.unique(values, return_inverse=True)[1])

    def sums(self, weights: "Numbers") -> "Numbers":
        """The weights at each place, from the highest value down."""
        here = np.bincount(self.place, weights=weights)
        return here[::-1].astype(np.float64)

    def ranks(self, weights: "Numbers") -> "Numbers":
        """Each person's rank, the middle one among equals."""
        here = np.bincount(self.place, weights=weights)
        ranks: Numbers = (np.cumsum(here) - here / 2)[self.place]
        return ranks


def of_probabilities(
    happened: "Numbers", probability: "Numbers"
) -> "Callable[[Numbers], dict[str, float]]":
    """Measure as `ml.measures.of_probabilities` does, of people with weights."""
    from ml.measures import log_losses

    order = Order.of(probability)
    squares = (probability - happened) ** 2
    logs = log_losses(happened, probability)

    def measure(weights: "Numbers") -> dict[str, float]:
        all_of = weights.sum()
        gone = order.sums(weights * happened)
        stayed = order.sums(weights * (1 - happened))
        found = {
            "brier": weights @ squares / all_of,
            "log_loss": weights @ logs / all_of,
        }
        return {**{k: float(v) for k, v in found.items()}, **_ranking(gone, stayed)}

    return measure


def of_amounts(
    actual: "Numbers", predicted: "Numbers"
) -> "Callable[[Numbers], dict[str, float]]":
    """Measure as `ml.measures.of_amounts` does, of people with weights."""
    error = predicted - actual
    orders = Order.of(actual), Order.of(predicted)

    def measure(weights: "Numbers") -> dict[str, float]:
        all_of = weights.sum()
        whole = abs(weights @ actual) or abs(weights @ predicted) or 1.0
        return {
            "rmse": float(np.sqrt(weights @ error**2 / all_of)),
            "mae": float(weights @ np.abs(error) / all_of),
            "bias": float(weights @ error / whole),
            "spearman": _correlation(weights, *(o.ranks(weights) for o in orders)),
        }

    return measure


def gains(
    amount: "Numbers", score: "Numbers", at: "Numbers"
) -> "Callable[[Numbers], Numbers]":
    """The share of the whole amount that the top shares `at` of people hold."""
    order = Order.of(score)

    def measure(weights: "Numbers") -> "Numbers":
        people = np.cumsum(order.sums(weights))
        held = np.cumsum(order.sums(weights * amount))
        if held[-1] == 0:
            return np.full(len(at), nan)
        shares: Numbers = np.interp(
            at, np.append(0, people / people[-1]), np.append(0, held / held[-1])
        )
        return shares

    return measure


def _ranking(gone: "Numbers", stayed: "Numbers") -> dict[str, float]:
    """Average precision, AUC and lift from counts by score, highest first."""
    left, here = float(gone.sum()), float(stayed.sum())
    if left == 0 or here == 0:
        return {"average_precision": nan, "auc": nan, "lift_at_10_percent": nan}
    found, passed = np.cumsum(gone), np.cumsum(stayed)
    reached = found + passed
    precision = found / np.where(reached > 0, reached, 1.0)
    above = stayed @ (found - gone / 2)
    top = np.interp(0.1 * reached[-1], np.append(0, reached), np.append(0, found))
    return {
        "average_precision": float(gone @ precision / left),
        "auc": float(above / left / here),
        "lift_at_10_percent": float(top / left / 0.1),
    }


def _correlation(weights: "Numbers", one: "Numbers", other: "Numbers") -> float:
    """0 where one side is the same of everybody, as `ml.measures.spearman` has it."""
    of_one = one - np.average(one, weights=weights)
    of_other = other - np.average(other, weights=weights)
    spread = (weights @ of_one**2) * (weights @ of_other**2)
    return float(weights @ (of_one * of_other) / np.sqrt(spread)) if spread else 0.0


def _around(value: float, again: Sequence[float]) -> Interval:
    known = [each for each in again if isfinite(each)]
    if not known or not isfinite(value):
        return Interval(value)
    low, high = np.percentile(known, [_LOW, _HIGH])
    return Interval(value, float(low), float(high))
