"""How often customers buy and whether they still do: the BG/NBD model.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science
24(2). While alive a customer buys at a rate drawn from Gamma(r, alpha); after each
repeat purchase they leave with a chance drawn from Beta(a, b). Times are in weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.special import betaincinv, expit, gammaln, hyp2f1, psi

from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import Maximum, maximise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 0.1, 5.0))
_SAME = 1e-6
_PARTS = 256
_TINY = 1e-15
_RAREST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """The model with its four parameters."""

    CHANCES_AT_ONCE: ClassVar[int] = 0
    """Chances to leave before the first repeat purchase: none here, one in MBG/NBD."""

    r: float
    alpha: float
    a: float
    b: float

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
        r, alpha, a, b = np.exp(logs)
        model = cls(r=r, alpha=alpha, a=a, b=b)
        x, age, chances = history.frequency, history.age, model.chances(history)
        odds_gone = model.log_odds_gone(history)
        gone, alive = expit(odds_gone), expit(-odds_gone)
        each = (
            gammaln(r + x)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + chances)
            - gammaln(b)
            - gammaln(a + b + chances)
            - (r + x) * np.log(alpha + age)
            + np.logaddexp(0.0, odds_gone)
        )
        log_rate = alive * np.log(alpha + age) + gone * np.log(alpha + history.recency)
        rate = alive / (alpha + age) + gone / (alpha + history.recency)
        both = psi(a + b) - psi(a + b + chances)
        last = np.where(chances > 0, b + chances - 1, 1.0)
        slopes = np.stack(
            [
                r * (psi(r + x) - psi(r) + np.log(alpha) - log_rate),
                r - alpha * (r + x) * rate,
                a * both + gone,
                b * (both + psi(b + chances) - psi(b) - gone / last),
            ]
        )
        share = history.customers / history.customers.sum()
        return float(each @ share), slopes @ share

    def chances(self, history: History) -> "Numbers":
        """How often each customer could have left so far."""
        return history.frequency + self.CHANCES_AT_ONCE

    def log_odds_gone(self, history: History) -> "Numbers":
        """Log odds of having left after the last purchase; -inf before any chance."""
        chances = self.chances(history)
        last = np.where(chances > 0, self.b + chances - 1, 1.0)
        waited = np.log(self.alpha + history.age) - np.log(self.alpha + history.recency)
        odds = np.log(self.a) - np.log(last) + (self.r + history.frequency) * waited
        return np.where(chances > 0, odds, -np.inf)

    def probability_alive(self, history: History) -> "Numbers":
        """Chance that a customer will buy again at all, in [0, 1].

        It is 1 for those who have had no chance to leave yet.
        """
        alive: Numbers = expit(-self.log_odds_gone(history))
        return alive

    def expected_purchases(self, history: History, weeks: float) -> "Numbers":
        """Repeat purchases to expect in the coming weeks, given the history."""
        if_alive = _closed_form(self, history, weeks)
        most = (self.r + history.frequency) * weeks / (self.alpha + history.age)
        lost = ~((if_alive >= 0) & (if_alive <= most))
        for repeats in np.unique(history.frequency[lost]):
            here = lost & (history.frequency == repeats)
            if_alive[here] = _by_quantiles(self, repeats, history.age[here], weeks)
        expected: Numbers = if_alive * self.probability_alive(history)
        return expected

    def draw(
        self, history: History, weeks: float, chance: "np.random.Generator"
    ) -> "Numbers":
        """One possible number of purchases in the coming weeks for each customer.

        A customer alive would buy a Poisson number of times, but for the purchase
        after which they leave.
        """
        alive = chance.random(len(history.age)) < self.probability_alive(history)
        rate = chance.gamma(self.r + history.frequency) / (self.alpha + history.age)
        leaving = chance.beta(self.a, self.b + self.chances(history))
        until = chance.geometric(np.clip(leaving, _RAREST, 1.0))
        bought: Numbers = np.minimum(chance.poisson(rate * weeks), until)
        return np.where(alive, bought, 0.0)


def _closed_form(model: BgNbd, history: History, weeks: float) -> "Numbers":
    """Purchases to expect of those alive: from equation (10) of the paper.

    Euler's transformation keeps the hypergeometric function near 1 where the
    original overflows; for extreme a and b the answer may still be nan or nonsense.
    """
    a = _apart(model.a, 1.0)
    kept = model.b + model.CHANCES_AT_ONCE
    whole = _apart(a + kept + history.frequency, 1.0) - 1
    share = weeks / (model.alpha + history.age + weeks)
    with np.errstate(all="ignore"):
        series = hyp2f1(a + kept - 1 - model.r, a - 1, whole, share)
        found: Numbers = whole / (a - 1) * (1 - (1 - share) ** (a - 1) * series)
    return found


def _by_quantiles(
    model: BgNbd, repeats: float, age: "Numbers", weeks: float
) -> "Numbers":
    """The same, as a mean over the chance of leaving, cut into equally likely parts.

    Right where the closed form fails: there that chance hardly varies.
    """
    levels = (np.arange(_PARTS) + 0.5) / _PARTS
    kept = model.b + model.CHANCES_AT_ONCE + repeats
    leaving = np.maximum(betaincinv(model.a, kept, levels), _TINY)
    pace = weeks / (model.alpha + age)
    bought = -np.expm1(-(model.r + repeats) * np.log1p(np.outer(pace, leaving)))
    mean: Numbers = (bought / leaving).mean(axis=1)
    return mean


def _apart(value: Any, pole: float) -> Any:
    """The value, moved off a point where the formula divides nothing by nothing."""
    return np.where(np.abs(value - pole) < _SAME, pole + _SAME, value)
