"""How far what a model of buying expects is off for whom, learned by trees.

The trees start from the model's own expectation and learn by what to multiply it, from
visits and money beside the history of purchases: gradient boosting with an offset, as
actuaries correct a tariff. Where nothing more can be told, 1 remains.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ml.lifetime_value import two_part
from ml.lifetime_value.customers import Customers, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

PARAMETERS: Mapping[str, Any] = {
    **two_part.PARAMETERS,
    "objective": "tweedie",
    "num_iterations": 60,
    "num_leaves": 4,
    "min_data_in_leaf": 50,
    "tweedie_variance_power": 1.5,
}
FILE, TREES = "correction.json", "correction.txt"
_LEAST = 1e-3
"""Of the mean expectation: an offset so small that one payment could not undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Trees of the logarithm of a factor; `level` brings the sum to what was spent."""

    trees: str
    level: float

    @classmethod
    def fit(cls, earlier: Sequence[Seen], expected: "Sequence[Numbers]") -> Self:
        """From days whose outcomes are known, and what was expected then."""
        spent = np.concatenate([day.spent for day in earlier])
        rows = np.concatenate([two_part.columns(day.customers) for day in earlier])
        said = np.concatenate(list(expected))
        mean = float(said.mean()) or 1.0
        trees = two_part.grown(
            rows,
            np.maximum(spent, 0.0) / mean,
            PARAMETERS,
            offset=np.log(np.maximum(said / mean, _LEAST)),
        )
        told = float((said * _factor(trees, rows)).sum())
        level = max(float(spent.sum()), 0.0) / told if told else 1.0
        return cls(trees=trees, level=level)

    def of(self, customers: Customers) -> "Numbers":
        """By what to multiply what is expected of each customer."""
        return self.level * _factor(self.trees, two_part.columns(customers))

    def files(self) -> dict[str, str]:
        """The correction as text by file name."""
        return {FILE: json.dumps({"level": self.level}), TREES: self.trees}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The correction that `files` wrote."""
        return cls(trees=files[TREES], **json.loads(files[FILE]))


def _factor(trees: str, rows: "Numbers") -> "Numbers":
    factor: Numbers = np.exp(two_part.said(trees, rows, is_raw=True))
    return factor
