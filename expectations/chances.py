"""How improbable a count is: minus the decimal logarithm of a chance."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]

_HUGE = 300.0
_MANY = 4_000
"""From so many on, a part of a whole varies like a count by itself."""

_LEAST_WEIGHT = 0.5


def of_parts(
    part: "Counts", whole: "Counts", expected: "Counts", variance: "Counts"
) -> "Counts":
    """How surprising parts of wholes are, each with its expected size and variance.

    In a small world by the beta-binomial law, which knows that a part is no larger than
    its whole and that nobody at all may say so; where wholes are large, as counts.
    """
    surprise = of_counts(part, expected, variance)
    for row in np.flatnonzero((whole <= _MANY) & (expected < whole)):
        surprise[row] = _of_part(
            float(part[row]),
            float(whole[row]),
            share=float(expected[row] / whole[row]),
            variance=float(variance[row]),
        )
    return surprise


def _of_part(part: float, whole: float, *, share: float, variance: float) -> float:
    from scipy.special import betaln, gammaln, logsumexp

    if part <= share * whole:
        # as surprising as so much of the rest: one tail is enough
        part, share = whole - part, 1 - share
    alike = max(variance / (whole * share * (1 - share)), 1.000001)
    weight = max((whole - alike) / (alike - 1), _LEAST_WEIGHT)
    yes, no = weight * share, weight * (1 - share)
    tail = part + np.arange(int(whole - part) + 1)
    tail = tail[tail <= whole]
    chances = (
        gammaln(whole + 1)
        - gammaln(tail + 1)
        - gammaln(whole - tail + 1)
        + betaln(tail + yes, whole - tail + no)
        - betaln(yes, no)
    )
    return float(min(max(-logsumexp(chances) / np.log(10), 0.0), _HUGE))


def of_counts(part: "Counts", expected: "Counts", variance: "Counts") -> "Counts":
    """Tails of a negative binomial: skewed as counts are, wide as they were."""
    from scipy.stats import nbinom

    size, chance = _law(expected, variance)
    more = nbinom.logsf(part - 1, size, chance)
    less = nbinom.logcdf(part, size, chance)
    with np.errstate(invalid="ignore"):
        tail = np.where(part > expected, more, less)
    surprise: Counts = np.minimum(-np.nan_to_num(tail, neginf=-999) / np.log(10), _HUGE)
    return surprise


def quantiles(expected: "Counts", variance: "Counts", chances: "Counts") -> "Counts":
    """The counts up to which such counts come, each with its chance."""
    from scipy.stats import nbinom

    size, chance = _law(expected, variance)
    counts: Counts = nbinom.ppf(chances, size, chance)
    return counts


def _law(expected: "Counts", variance: "Counts") -> "tuple[Counts, Counts]":
    """The size and the chance of a negative binomial, hardly wider than Poisson's."""
    wide = np.maximum(variance, expected * 1.000001)
    size = expected**2 / (wide - expected)
    return size, size / (size + expected)
