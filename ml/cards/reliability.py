"""Hold what was said against what happened, tenth by tenth."""

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from ml.cards.resampling import SEED, Interval
from ml.measures import calibration_error as error
from ml.measures import tenths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_Z = 1.959964
_SIMULATIONS = 200
_MOST_PEOPLE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """About a tenth of the people: what was said and what happened, on average."""

    people: int
    said: float
    happened: Interval


def of_rates(happened: "Numbers", probability: "Numbers") -> list[Tenth]:
    """How often it happened at each height of probability, with Wilson's interval."""
    return [
        Tenth(
            people=len(here),
            said=float(probability[here].mean()),
            happened=wilson(float(happened[here].sum()), len(here)),
        )
        for here in _people_of_each(probability)
    ]


def of_means(actual: "Numbers", predicted: "Numbers") -> list[Tenth]:
    """The mean that happened at each height of prediction, with its interval.

    The interval is the bootstrap's, seeded; amounts of few large payments are skewed.
    """
    generator = np.random.default_rng(SEED)
    found = []
    for here in _people_of_each(predicted):
        amounts = actual[here]
        means = [
            generator.choice(amounts, len(amounts)).mean() for _ in range(_SIMULATIONS)
        ]
        low, high = np.percentile(means, [2.5, 97.5])
        found.append(
            Tenth(
                people=len(here),
                said=float(predicted[here].mean()),
                happened=Interval(float(amounts.mean()), float(low), float(high)),
            )
        )
    return found


def by_luck(probability: "Numbers") -> Interval:
    """The calibration error of a model whose every probability is exactly right.

    It is not 0: people are few. Median and 95 % range, simulated and seeded; of more
    than 50,000 people so many are drawn, which overstates it.
    """
    generator = np.random.default_rng(SEED)
    some = probability
    if len(some) > _MOST_PEOPLE:
        some = generator.choice(some, _MOST_PEOPLE, replace=False)
    errors = [
        error((generator.random(len(some)) < some).astype(float), some)
        for _ in range(_SIMULATIONS)
    ]
    low, middle, high = np.percentile(errors, [2.5, 50, 97.5])
    return Interval(float(middle), float(low), float(high))


def wilson(successes: float, people: int) -> Interval:
    """A share and Wilson's 95 % interval."""
    if not people:
        return Interval(nan)
    share = successes / people
    middle = share + _Z**2 / (2 * people)
    reach = _Z * np.sqrt(share * (1 - share) / people + (_Z / (2 * people)) ** 2)
    whole = 1 + _Z**2 / people
    return Interval(
        share,
        max(float((middle - reach) / whole), 0.0),
        min(float((middle + reach) / whole), 1.0),
    )


def _people_of_each(predicted: "Numbers") -> "Sequence[NDArray[np.intp]]":
    bins = tenths(predicted)
    return [np.flatnonzero(bins == each) for each in np.unique(bins)]
