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
from ml.lifetime_value.likelihood import Maximum, maximise, roughly

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
            roughly=roughly(cls.mean_log_likelihood, groups),
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
        x, left = history.frequency, cls.CHANCES_AT_ONCE
        until = history.each("age", lambda age: np.log(alpha + age))
        last = history.each("recency", lambda recency: np.log(alpha + recency))
        waited = until - last
        odds_gone = model._log_odds(history, waited)
        smaller = np.exp(-np.abs(odds_gone))
        gone = np.where(odds_gone > 0, 1.0, smaller) / (1 + smaller)

        def steady(repeats: "Numbers") -> "Numbers":
            chances = repeats + left
            buying = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
            staying = gammaln(a + b) - gammaln(a + b + chances)
            kept: Numbers = buying + staying + gammaln(b + chances) - gammaln(b)
            return kept

        # the last two are log(1 + odds): 0 where nobody could have left yet
        each = np.maximum(odds_gone, 0.0) + np.log1p(smaller) - (r + x) * until
        value = history.mean_of("frequency", steady) + history.mean(each)
        return value, model._slopes(history, gone, waited)

    def _slopes(
        self, history: History, gone: "Numbers", waited: "Numbers"
    ) -> "Numbers":
        """The gradient by the log-parameters, from each one's chance of being gone.

        `waited` is how the logarithm of alpha and time grew since the last purchase.
        """
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        left, x, mean_of = self.CHANCES_AT_ONCE, history.frequency, history.mean_of
        over = history.each("age", lambda age: 1 / (alpha + age))
        past = history.each("recency", lambda recency: 1 / (alpha + recency))
        rate = over + gone * (past - over)
        both = mean_of("frequency", lambda x: psi(a + b) - psi(a + b + x + left))
        stays = mean_of("frequency", lambda x: psi(b + x + left) - psi(b))
        more = mean_of("frequency", lambda x: psi(r + x) - psi(r) + np.log(alpha))
        until = mean_of("age", lambda age: np.log(alpha + age))
        last = history.each("frequency", self._last_chance)
        return np.array(
            [
                r * (more - until + history.mean(gone * waited)),
                r - alpha * history.mean((r + x) * rate),
                a * both + history.mean(gone),
                b * (both + stays - history.mean(gone / last)),
            ]
        )

    def _last_chance(self, repeats: "Numbers") -> "Numbers":
        """The weight of having stayed until now; 1 where there was no chance yet."""
        chances = repeats + self.CHANCES_AT_ONCE
        return np.where(chances > 0, self.b + chances - 1, 1.0)

    def chances(self, history: History) -> "Numbers":
        """How often each customer could have left so far."""
        return history.frequency + self.CHANCES_AT_ONCE

    def log_odds_gone(self, history: History) -> "Numbers":
        """Log odds of having left after the last purchase; -inf before any chance."""
        waited = np.log(self.alpha + history.age) - np.log(self.alpha + history.recency)
        return self._log_odds(history, waited)

    def _log_odds(self, history: History, waited: "Numbers") -> "Numbers":
        """The same, where the logarithm of how long they waited is known."""
        never = 0.0 if self.CHANCES_AT_ONCE else -np.inf

        def before(repeats: "Numbers") -> "Numbers":
            odds: Numbers = np.log(self.a) - np.log(self._last_chance(repeats))
            return np.where(repeats > 0, odds, odds + never)

        odds: Numbers = history.each("frequency", before)
        odds_gone: Numbers = odds + (self.r + history.frequency) * waited
        return odds_gone

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
