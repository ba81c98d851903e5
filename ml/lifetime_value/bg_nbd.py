"""How often customers buy and whether they still do: the BG/NBD model.

Fader, Hardie, Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science
24(2). While alive a customer buys at a rate drawn from Gamma(r, alpha); after each
repeat purchase they leave with a chance drawn from Beta(a, b). Times are in weeks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import betaincinv, expit, gammaln, hyp2f1, psi

from ml.lifetime_value.likelihood import Maximum, maximise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 5.0, 0.8, 2.5), (1.0, 10.0, 0.1, 5.0))
_SAME = 1e-6
_PARTS = 256
_TINY = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Purchases of customers: repeats, week of the last, weeks since the first.

    One value per customer, or per group of `customers` with the same history.
    """

    frequency: "Numbers"
    recency: "Numbers"
    age: "Numbers"
    customers: "Numbers"

    @classmethod
    def of(cls, frequency: "Numbers", recency: "Numbers", age: "Numbers") -> Self:
        """One customer each."""
        return cls(
            frequency=frequency,
            recency=recency,
            age=np.maximum(age, recency),
            customers=np.ones_like(frequency),
        )

    def grouped(self) -> "History":
        """The same customers, equal histories told once: days repeat, so few remain."""
        import pandas as pd

        keys = ["frequency", "recency", "age"]
        told = pd.DataFrame(
            {name: getattr(self, name) for name in (*keys, "customers")}
        )
        once = told.groupby(keys, as_index=False)["customers"].sum()
        return History(**{name: once[name].to_numpy() for name in (*keys, "customers")})


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """The model with its four parameters."""

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, history: History) -> "Numbers":
        """Chance that a customer will buy again at all, in (0, 1].

        The model lets nobody leave before their first repeat purchase: those are 1.
        """
        repeats = history.frequency > 0
        odds_gone = _log_gone_over_alive(self, history)
        alive: Numbers = np.where(repeats, expit(-odds_gone), 1.0)
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


def fit(history: History) -> tuple[BgNbd, Maximum]:
    """The likeliest model, and how the search went."""
    groups = history.grouped()
    found = maximise(
        lambda logs: mean_log_likelihood(logs, groups),
        names=NAMES,
        starts=_STARTS,
        weight=float(groups.customers.sum()),
    )
    return BgNbd(**found.parameters), found


def mean_log_likelihood(logs: "Numbers", history: History) -> "tuple[float, Numbers]":
    """Mean log-likelihood per customer, and its gradient by the log-parameters."""
    model = BgNbd(**dict(zip(NAMES, np.exp(logs), strict=True)))
    r, alpha, a, b = np.exp(logs)
    x, age = history.frequency, history.age
    odds_gone = np.where(x > 0, _log_gone_over_alive(model, history), -np.inf)
    gone, alive = expit(odds_gone), expit(-odds_gone)
    each = (
        gammaln(r + x)
        - gammaln(r)
        + r * np.log(alpha)
        + gammaln(a + b)
        + gammaln(b + x)
        - gammaln(b)
        - gammaln(a + b + x)
        - (r + x) * np.log(alpha + age)
        + np.logaddexp(0.0, odds_gone)
    )
    log_rate = alive * np.log(alpha + age) + gone * np.log(alpha + history.recency)
    rate = alive / (alpha + age) + gone / (alpha + history.recency)
    both = psi(a + b) - psi(a + b + x)
    last = np.where(x > 0, b + x - 1, 1.0)
    slopes = np.stack(
        [
            r * (psi(r + x) - psi(r) + np.log(alpha) - log_rate),
            r - alpha * (r + x) * rate,
            a * both + gone,
            b * (both + psi(b + x) - psi(b) - gone / last),
        ]
    )
    share = history.customers / history.customers.sum()
    return float(each @ share), slopes @ share


def _log_gone_over_alive(model: BgNbd, history: History) -> "Numbers":
    """Log odds of having left after the last purchase; for repeat customers only."""
    last = np.where(history.frequency > 0, model.b + history.frequency - 1, 1.0)
    waited = np.log(model.alpha + history.age) - np.log(model.alpha + history.recency)
    odds: Numbers = (
        np.log(model.a) - np.log(last) + (model.r + history.frequency) * waited
    )
    return odds


def read(parameters: Mapping[str, float]) -> BgNbd:
    """The model of these parameters; other keys are passed over."""
    return BgNbd(**{name: parameters[name] for name in NAMES})


def _closed_form(model: BgNbd, history: History, weeks: float) -> "Numbers":
    """Purchases to expect of those alive: from equation (10) of the paper.

    Euler's transformation keeps the hypergeometric function near 1 where the
    original overflows; for extreme a and b the answer may still be nan or nonsense.
    """
    a = _apart(model.a, 1.0)
    whole = _apart(a + model.b + history.frequency, 1.0) - 1
    share = weeks / (model.alpha + history.age + weeks)
    with np.errstate(all="ignore"):
        series = hyp2f1(a + model.b - 1 - model.r, a - 1, whole, share)
        found: Numbers = whole / (a - 1) * (1 - (1 - share) ** (a - 1) * series)
    return found


def _by_quantiles(
    model: BgNbd, repeats: float, age: "Numbers", weeks: float
) -> "Numbers":
    """The same, as a mean over the chance of leaving, cut into equally likely parts.

    Right where the closed form fails: there that chance hardly varies.
    """
    levels = (np.arange(_PARTS) + 0.5) / _PARTS
    leaving = np.maximum(betaincinv(model.a, model.b + repeats, levels), _TINY)
    pace = weeks / (model.alpha + age)
    bought = -np.expm1(-(model.r + repeats) * np.log1p(np.outer(pace, leaving)))
    mean: Numbers = (bought / leaving).mean(axis=1)
    return mean


def _apart(value: Any, pole: float) -> Any:
    """The value, moved off a point where the formula divides nothing by nothing."""
    return np.where(np.abs(value - pole) < _SAME, pole + _SAME, value)
