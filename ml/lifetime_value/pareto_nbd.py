"""How often customers buy and whether they still do: the Pareto/NBD model.

Schmittlein, Morrison, Colombo (1987), Counting Your Customers, Management Science
33(1); Fader, Hardie (2005), A Note on Deriving the Pareto/NBD Model. While alive a
customer buys at a rate drawn from Gamma(r, alpha); they leave at a rate drawn from
Gamma(s, beta). Times are in weeks.

The papers write the likelihood of having left as a difference of two Gaussian
hypergeometric functions, which loses all digits for frequent buyers. The difference is
an integral over the time of leaving, of a positive and smooth function; here it is
taken as such, by Gauss-Legendre, which also gives the gradient: means over that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.special import exprel, gammaln, logsumexp, psi

from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import Maximum, maximise, roughly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NAMES = ("r", "alpha", "s", "beta")
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 10.0, 0.5, 10.0), (1.0, 10.0, 0.2, 20.0))
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NEGLIGIBLE = 40.0
_ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNbd:
    """The model with its four parameters."""

    r: float
    alpha: float
    s: float
    beta: float

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
        r, alpha, s, beta = np.exp(logs)
        model = cls(r=r, alpha=alpha, s=s, beta=beta)
        x = history.frequency
        total, gone = np.zeros(()), np.zeros(4)
        for part in _parts(len(x)):
            here = _cut(history, part)
            log_sum, slopes = model._left_or_not(here)
            total = total + np.sum(log_sum * here.customers)
            gone = gone + np.sum(slopes * here.customers, axis=1)
        everyone = history.customers.sum()
        each = gammaln(r + x) - gammaln(r) + r * logs[1] + s * logs[3]
        more = history.mean(psi(r + x) - psi(r))
        own = np.array([more + logs[1], r, logs[3], s])
        scale = np.array([r, 1.0, s, 1.0])
        value = history.mean(each) + float(total) / float(everyone)
        return value, own * scale + gone / everyone

    def probability_alive(self, history: History) -> "Numbers":
        """Chance that a customer has not left, in [0, 1]."""
        once, group = history.told_once()
        alive = np.concatenate(
            [
                np.exp(self._log_alive(here) - self._left_or_not(here)[0])
                for here in (_cut(once, part) for part in _parts(len(once.age)))
            ]
        )
        found: Numbers = np.minimum(alive, 1.0)[group]
        return found

    def expected_purchases(self, history: History, weeks: float) -> "Numbers":
        """Repeat purchases to expect in the coming weeks, given the history."""
        rate = (self.r + history.frequency) / (self.alpha + history.age)
        coming = np.log1p(weeks / (self.beta + history.age))
        there = (self.beta + history.age) * coming * exprel((1 - self.s) * coming)
        expected: Numbers = (
            rate * np.minimum(there, weeks) * self.probability_alive(history)
        )
        return expected

    def draw(
        self, history: History, weeks: float, chance: "np.random.Generator"
    ) -> "Numbers":
        """One possible number of purchases in the coming weeks for each customer."""
        alive = chance.random(len(history.age)) < self.probability_alive(history)
        rate = chance.gamma(self.r + history.frequency) / (self.alpha + history.age)
        leaving = chance.gamma(self.s, size=len(history.age))
        leaving = np.maximum(leaving / (self.beta + history.age), np.finfo(float).tiny)
        stays = np.minimum(chance.exponential(size=len(leaving)) / leaving, weeks)
        return np.where(alive, chance.poisson(rate * stays), 0.0)

    def _log_alive(self, history: History) -> "Numbers":
        purchases = (self.r + history.frequency) * np.log(self.alpha + history.age)
        logs: Numbers = -purchases - self.s * np.log(self.beta + history.age)
        return logs

    def _left_or_not(self, history: History) -> "tuple[Numbers, Numbers]":
        """Log of the chances of having left at some time, or not yet, added up.

        With its gradient by the log-parameters, one row each: the log-chance of each
        time has simple slopes, of which these are the means.
        """
        times, log_widths = self._times_of_leaving(history)
        shape = (self.r + history.frequency)[:, None]
        until_alpha, until_beta = np.log(self.alpha + times), np.log(self.beta + times)
        log_gone = np.log(self.s) - shape * until_alpha - (self.s + 1) * until_beta
        logs = np.column_stack([log_gone + log_widths, self._log_alive(history)])
        log_sum: Numbers = logsumexp(logs, axis=1)
        chances = np.exp(logs - log_sum[:, None])
        gone, alive = chances[:, :-1], chances[:, -1]
        age_alpha, age_beta = self.alpha + history.age, self.beta + history.age

        def mean(of_gone: "Numbers", of_alive: "Numbers") -> "Numbers":
            over_time: Numbers = np.einsum("ij,ij->i", gone, of_gone)
            return over_time + alive * of_alive

        by_alpha = mean(1 / (self.alpha + times), 1 / age_alpha)
        by_beta = mean((self.s + 1) / (self.beta + times), self.s / age_beta)
        slopes = np.stack(
            [
                -self.r * mean(until_alpha, np.log(age_alpha)),
                -self.alpha * shape[:, 0] * by_alpha,
                1 - alive - self.s * mean(until_beta, np.log(age_beta)),
                -self.beta * by_beta,
            ]
        )
        return log_sum, slopes

    def _times_of_leaving(self, history: History) -> "tuple[Numbers, Numbers]":
        """Points between the last purchase and now, and the logs of their widths.

        They are spread evenly over log(time + the smaller of alpha and beta), in
        which the chance is smooth, and end where it is negligible: its logarithm is
        concave, so it falls at least as fast as at the start.
        """
        nearer = min(self.alpha, self.beta)
        start = nearer + history.recency
        length = np.log(nearer + history.age) - np.log(start)
        falls = start * (
            (self.r + history.frequency) / (self.alpha + history.recency)
            + (self.s + 1) / (self.beta + history.recency)
        )
        enough = _NEGLIGIBLE / np.maximum(falls - 1, _NEGLIGIBLE * 1e-9)
        length = np.minimum(length, enough)[:, None] / 2
        ahead = length * (1 + _POINTS)
        times = history.recency[:, None] + start[:, None] * np.expm1(ahead)
        with np.errstate(divide="ignore"):
            log_widths = np.log(start)[:, None] + ahead + np.log(length * _WEIGHTS)
        return times, log_widths


def _parts(rows: int) -> list[slice]:
    """The rows in pieces, so that the points of all do not stand in memory at once."""
    return [slice(at, at + _ROWS_AT_ONCE) for at in range(0, rows, _ROWS_AT_ONCE)]


def _cut(history: History, part: slice) -> History:
    return History(
        frequency=history.frequency[part],
        recency=history.recency[part],
        age=history.age[part],
        customers=history.customers[part],
    )
