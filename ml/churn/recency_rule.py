"""The rule to beat: the longer someone was silent, the likelier they have left."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FILE = "recency_rule.json"
PARAMETERS: Mapping[str, object] = {"shrinkage_people": 1}


@dataclass(frozen=True, slots=True)
class RecencyRule:
    """Churn probability as a never-falling broken line over days of silence."""

    days: list[float]
    probability: list[float]

    @classmethod
    def fit(cls, people: "pd.DataFrame", churned: "Numbers") -> Self:
        """Centred isotonic regression of churn on days_since_last_active.

        Each day of silence is shrunken by one person of the base rate, so that no
        probability is 0 or 1. The line runs through the middles of the isotonic
        blocks: it keeps apart people whom plain steps would tie.
        """
        from scipy.optimize import isotonic_regression

        silent = people["days_since_last_active"].to_numpy(dtype=np.float64)
        days, position = np.unique(silent, return_inverse=True)
        people_then = np.bincount(position) + 1.0
        gone_then = np.bincount(position, weights=churned) + churned.mean()
        steps = isotonic_regression(gone_then / people_then, weights=people_then)
        blocks = np.repeat(np.arange(len(steps.blocks) - 1), np.diff(steps.blocks))
        mass = np.bincount(blocks, weights=people_then)
        middles = np.bincount(blocks, weights=people_then * days) / mass
        rates = np.bincount(blocks, weights=gone_then) / mass
        return cls(middles.tolist(), rates.tolist())

    def probabilities(self, people: "pd.DataFrame") -> "Numbers":
        """Chance of churn of each person, in (0, 1)."""
        silent = people["days_since_last_active"].to_numpy(dtype=np.float64)
        probability: Numbers = np.interp(silent, self.days, self.probability)
        return probability

    def contributions(
        self,
        people: "pd.DataFrame",  # noqa: ARG002 -- asked alike of all
    ) -> "dict[str, tuple[Numbers, Numbers]]":
        """None: one column has nothing to be told apart from."""
        return {}

    def files(self) -> dict[str, str]:
        """The model as text by file name."""
        return {FILE: json.dumps(asdict(self), indent=1)}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The model that `files` wrote."""
        return cls(**json.loads(files[FILE]))
