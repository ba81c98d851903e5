"""How often customers buy if none ever leaves: the NBD model of Ehrenberg (1959).

Every model of leaving comes down to this one at the boundary where nobody leaves, so
it is what remains when the data settle no leaving. Times are in weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import gammaln, psi

from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import Maximum, maximise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NAMES = ("r", "alpha")
_STARTS = ((1.0, 1.0), (0.5, 10.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nbd:
    """Rates drawn from Gamma(r, alpha), for ever."""

    r: float
    alpha: float

    @classmethod
    def fit(cls, history: History) -> tuple[Self, Maximum]:
        """The likeliest model, and how the search went."""
        groups = history.grouped()
        found = maximise(
            lambda logs: cls.mean_log_likelihood(logs, groups),
            names=NAMES,
            starts=_STARTS,
            weight=float(groups.customers.sum()),
        )
        return cls(**found.parameters), found

    @classmethod
    def read(cls, parameters: Mapping[str, float]) -> Self:
        """The model of these parameters; other keys are passed over."""
        return cls(**{name: parameters[name] for name in NAMES})

    @classmethod
    def mean_log_likelihood(
        cls, logs: "Numbers", history: History
    ) -> "tuple[float, Numbers]":
        """Mean log-likelihood per customer, and its gradient by the log-parameters."""
        r, alpha = np.exp(logs)
        x, until = history.frequency, np.log(alpha + history.age)
        each = gammaln(r + x) - gammaln(r) + r * logs[1] - (r + x) * until
        by_r = r * (psi(r + x) - psi(r) + logs[1] - until)
        by_alpha = r - alpha * (r + x) / (alpha + history.age)
        slopes = np.array([history.mean(by_r), history.mean(by_alpha)])
        return history.mean(each), slopes

    def probability_alive(self, history: History) -> "Numbers":
        """Certainty: nobody leaves."""
        return np.ones_like(history.age)

    def expected_purchases(self, history: History, weeks: float) -> "Numbers":
        """Repeat purchases to expect in the coming weeks, given the history."""
        rate = (self.r + history.frequency) / (self.alpha + history.age)
        expected: Numbers = rate * weeks
        return expected

    def draw(
        self, history: History, weeks: float, chance: "np.random.Generator"
    ) -> "Numbers":
        """One possible number of purchases in the coming weeks for each customer."""
        rate = chance.gamma(self.r + history.frequency) / (self.alpha + history.age)
        return chance.poisson(rate * weeks).astype(np.float64)
