"""What a rate of few people can be: Wilson's interval, and tests between cohorts."""

import math
from collections.abc import Sequence

_Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: intervals are of 95 %."""


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95 % Wilson score interval of a rate; of nobody there is none."""
    if not trials:
        return None
    rate = successes / trials
    square = _Z * _Z
    middle = rate + square / (2 * trials)
    half = _Z * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials**2))
    scale = 1 + square / trials
    low, high = (middle - half) / scale, (middle + half) / scale
    # the ends are exact where everybody did, or nobody
    return (0.0 if not successes else low, 1.0 if successes == trials else high)


def rate_with_interval(successes: int, trials: int) -> list[float] | None:
    """The same interval as JSON has it: [low, high]."""
    interval = wilson(successes, trials)
    return None if interval is None else list(interval)


def homogeneity(
    returned: Sequence[int], sizes: Sequence[int]
) -> tuple[float, int, float] | None:
    """Pearson's chi-square, degrees of freedom and p: is one rate true of all cohorts?

    None where it can't be asked: fewer than two cohorts with people, or all or none
    of the people returned.
    """
    cohorts = [(one, size) for one, size in zip(returned, sizes, strict=True) if size]
    people = sum(size for _, size in cohorts)
    came = sum(one for one, _ in cohorts)
    if len(cohorts) < 2 or came in {0, people}:  # noqa: PLR2004 - two to compare
        return None
    rate = came / people
    chi2 = sum(
        (one - size * rate) ** 2 / (size * rate * (1 - rate)) for one, size in cohorts
    )
    freedom = len(cohorts) - 1
    return chi2, freedom, chi_square_tail(chi2, freedom)


def chi_square_tail(chi2: float, freedom: int) -> float:
    """The probability of a chi-square this large or larger."""
    from scipy.stats import chi2 as distribution

    return float(distribution.sf(chi2, freedom))


def holm(values: Sequence[float]) -> list[float]:
    """Holm's corrected p of each p: what stays when many questions are asked."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected = [0.0] * len(values)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = largest
    return corrected
