"""What a purchase of a customer is worth on average: the Gamma-Gamma model.

Fader, Hardie (2013), The Gamma-Gamma Model of Monetary Value. A purchase's value is
Gamma(p, nu) with nu of each customer drawn from Gamma(q, v).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, psi

from ml.lifetime_value.likelihood import Maximum, maximise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

NAMES = ("p", "q_above_one", "v")
_STARTS = ((1.0, 1.0, 1.0), (6.0, 2.5, 0.5), (20.0, 1.0, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """The model with its three parameters; v in the unit of the values.

    q is kept above 1: at or below it the mean over customers would be infinite.
    """

    p: float
    q: float
    v: float

    def expected_value(self, purchases: "Numbers", mean_value: "Numbers") -> "Numbers":
        """A customer's own mean value per purchase, given the mean of those seen.

        Between the mean over all customers and the customer's own, the nearer to
        the latter the more purchases were seen. Negative means count as 0.
        """
        spent = purchases * np.maximum(mean_value, 0.0)
        seen: Numbers = self.p * (self.v + spent) / (self.p * purchases + self.q - 1)
        return seen


def fit(purchases: "Numbers", mean_value: "Numbers") -> tuple[GammaGamma, Maximum]:
    """The likeliest model for means over so many purchases each, and how it went.

    Only customers with a positive mean say anything; there must be some.
    """
    paid = (purchases > 0) & (mean_value > 0)
    count, mean = purchases[paid], mean_value[paid]
    unit = float(np.exp(np.mean(np.log(mean))))
    found = maximise(
        lambda logs: mean_log_likelihood(logs, count, mean / unit),
        names=NAMES,
        starts=_STARTS,
        weight=float(len(count)),
    )
    told = found.parameters
    model = GammaGamma(p=told["p"], q=1 + told["q_above_one"], v=told["v"] * unit)
    in_units_of_the_values = found.log_likelihood - len(count) * np.log(unit)
    return model, Maximum(
        parameters={"p": model.p, "q": model.q, "v": model.v},
        log_likelihood=float(in_units_of_the_values),
        converged=found.converged,
        at_boundary=found.at_boundary,
        starts_agreeing=found.starts_agreeing,
        names=("p", "q", "v"),
        # q is kept as what it has above 1, so its logarithm moves less
        covariance=found.covariance * np.outer(shrunk := _by_q(model.q), shrunk),
    )


def _by_q(q: float) -> "Numbers":
    """How far the logarithms of p, q, v move with those the search moves."""
    return np.array([1.0, (q - 1) / q, 1.0])


def mean_log_likelihood(
    logs: "Numbers", count: "Numbers", mean: "Numbers"
) -> "tuple[float, Numbers]":
    """Mean log-likelihood per customer, and its gradient by the log-parameters."""
    p, above, v = np.exp(logs)
    q = 1 + above
    shape, spent = p * count, count * mean
    each = (
        gammaln(shape + q)
        - gammaln(shape)
        - gammaln(q)
        + q * np.log(v)
        + shape * np.log(spent)
        - np.log(mean)
        - (shape + q) * np.log(spent + v)
    )
    by_shape = psi(shape + q) - psi(shape) + np.log(spent) - np.log(spent + v)
    by_q = psi(shape + q) - psi(q) + np.log(v) - np.log(spent + v)
    by_v = q / v - (shape + q) / (spent + v)
    slopes = np.array(
        [p * np.mean(count * by_shape), above * np.mean(by_q), v * np.mean(by_v)]
    )
    return float(np.mean(each)), slopes


def read(parameters: Mapping[str, float]) -> GammaGamma:
    """The model of these parameters; other keys are passed over."""
    return GammaGamma(p=parameters["p"], q=parameters["q"], v=parameters["v"])
