"""Whether segments differ in what their people do, and by how much."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Labels = NDArray[np.intp]

_FEWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Kruskal and Wallis's test of one measure over segments.

    `p`: after Holm, for all measures asked together. `effect`: epsilon squared, the
    share of the ranks' variance that the segments explain, 0 to 1: with many people
    every p is small, and only this says whether a difference matters.
    """

    measure: str
    h: float
    p: float
    effect: float


def differences(
    measures: "Mapping[str, Numbers]", labels: "Labels"
) -> list[Difference]:
    """Each measure's difference over segments, the largest effect first.

    People of whom a measure is not known are left out of it; so are segments of fewer
    than five. A measure that is the same for all, or has one segment left, differs not.

    Segments found *from* these measures differ in them by construction: the effects
    rank what a segment is about and prove nothing.
    """
    from scipy.stats import kruskal

    found: list[tuple[str, float, float, float]] = []
    for name, values in measures.items():
        known = np.isfinite(values)
        groups = [values[known & (labels == one)] for one in np.unique(labels)]
        groups = [group for group in groups if len(group) >= _FEWEST]
        size = sum(map(len, groups))
        if len(groups) < 2 or np.ptp(np.concatenate(groups)) == 0:  # noqa: PLR2004 two
            found.append((name, 0.0, 1.0, 0.0))
            continue
        told = kruskal(*groups)
        found.append(
            (
                name,
                float(told.statistic),
                float(told.pvalue),
                told.statistic / (size - 1),
            )
        )
    mended = holm([p for _, _, p, _ in found])
    told = [
        Difference(measure=name, h=h, p=p, effect=float(min(effect, 1.0)))
        for (name, h, _, effect), p in zip(found, mended, strict=True)
    ]
    return sorted(told, key=lambda each: (-each.effect, each.measure))


def holm(p: list[float]) -> list[float]:
    """Holm's correction: chances of any false alarm among all, in the same order."""
    order = np.argsort(p, kind="stable")
    found = np.empty(len(p))
    found[order] = np.maximum.accumulate(
        np.minimum(np.array(p)[order] * (len(p) - np.arange(len(p))), 1)
    )
    return found.tolist()
