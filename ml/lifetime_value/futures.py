"""How far off an expectation may be: futures drawn from a fitted model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import Maximum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SEED = 20260301
_DRAWS = 200
_LOWEST_LOG, _HIGHEST_LOG = np.log(1e-6), np.log(1e6)


class Buying(Protocol):
    """A fitted model of how often customers buy."""

    @classmethod
    def fit(cls, history: History) -> tuple[Self, Maximum]:
        """The likeliest model, and how the search went."""

    @classmethod
    def read(cls, parameters: Mapping[str, float]) -> Self:
        """The model of these parameters."""

    def probability_alive(self, history: History) -> "Numbers":
        """Chance that a customer has not left."""

    def expected_purchases(self, history: History, weeks: float) -> "Numbers":
        """Repeat purchases to expect in the coming weeks."""

    def draw(
        self, history: History, weeks: float, chance: "np.random.Generator"
    ) -> "Numbers":
        """One possible number of purchases for each customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What `level` of the drawn futures lie within: each customer's and the total."""

    level: float
    lowest: "Numbers"
    highest: "Numbers"
    total: tuple[float, float]

    def share_inside(self, bought: "Numbers") -> float:
        """Share of customers whose purchases lie within; counts: `level` or more."""
        inside = (bought >= self.lowest) & (bought <= self.highest)
        return float(inside.mean())


def interval(
    model: Buying, how: Maximum, history: History, weeks: float, *, level: float = 0.9
) -> Interval:
    """Prediction intervals of purchases in the coming weeks, the same on every call.

    Each future has its own parameters, drawn by the covariance of those the data
    settle. Meant for some ten thousand customers: it holds 200 futures of each.
    """
    chance = np.random.default_rng(SEED)
    futures = np.stack(
        [
            type(model).read(parameters).draw(history, weeks, chance)
            for parameters in _likely(how, chance)
        ]
    )
    sides = [(1 - level) / 2, (1 + level) / 2]
    lowest, highest = np.quantile(futures, sides, axis=0, method="inverted_cdf")
    low, high = np.quantile(futures.sum(axis=1), sides)
    return Interval(
        level=level, lowest=lowest, highest=highest, total=(float(low), float(high))
    )


def _likely(how: Maximum, chance: "np.random.Generator") -> list[dict[str, float]]:
    """Parameters as the data leave them open; those they do not settle stay."""
    settled = np.isfinite(np.diag(how.covariance))
    logs = np.log([how.parameters[name] for name in how.names])
    drawn = np.tile(logs, (_DRAWS, 1))
    if settled.any():
        within = how.covariance[np.ix_(settled, settled)]
        drawn[:, settled] = chance.multivariate_normal(logs[settled], within, _DRAWS)
    drawn = np.exp(np.clip(drawn, _LOWEST_LOG, _HIGHEST_LOG))
    return [dict(zip(how.names, map(float, row), strict=True)) for row in drawn]
