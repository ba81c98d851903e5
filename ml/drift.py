"""Whether people and scores are still like those a model was judged on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FILE = "reference.json"
MOVED = 0.25
"""The index from which on a shift is commonly called large."""

SCORE = "score"
_PARTS = 10


@dataclass(frozen=True, slots=True)
class Reference:
    """By name of a column: the edges of ten groups, and the share of each.

    Equal values share a group, so a column of few values has fewer groups.
    """

    columns: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]

    @classmethod
    def learn(cls, columns: "Mapping[str, Numbers]") -> Self:
        """From the people of the day a model was judged on."""
        found = {}
        for name, values in columns.items():
            inner = np.linspace(0, 1, _PARTS + 1)[1:-1]
            edges = np.unique(np.quantile(values, inner))
            shares = _shares(values, edges)
            found[name] = (tuple(map(float, edges)), tuple(map(float, shares)))
        return cls(found)

    def index(self, columns: "Mapping[str, Numbers]") -> dict[str, float]:
        """The population stability index of each column known here; 0 is no change.

        An empty group counts as half a person, so that the index stays finite.
        """
        found = {}
        for name, (edges, shares) in self.columns.items():
            if name not in columns or not len(columns[name]):
                continue
            half = 0.5 / len(columns[name])
            before = np.maximum(np.array(shares), half)
            now = np.maximum(_shares(columns[name], np.array(edges)), half)
            found[name] = float(np.sum((now - before) * np.log(now / before)))
        return found

    def files(self) -> dict[str, str]:
        """The reference as text by file name."""
        return {FILE: json.dumps(self.columns)}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The reference that `files` wrote."""
        told = json.loads(files[FILE])
        return cls({n: (tuple(edges), tuple(s)) for n, (edges, s) in told.items()})


def _shares(values: "Numbers", edges: "Numbers") -> "Numbers":
    group = np.searchsorted(edges, values, side="left")
    return np.bincount(group, minlength=len(edges) + 1) / len(values)
