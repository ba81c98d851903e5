"""Bring what a model says to what happened, without turning its order round."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FILE = "calibration.json"
_SURE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Beta calibration: log-odds are `a log(p) - b log(1 - p) + c`.

    Kull, Silva Filho, Flach (2017), Beta calibration, AISTATS. Both slopes at 1 and no
    constant leave probabilities as they are.
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0

    @classmethod
    def fit(cls, said: "Numbers", happened: "Numbers") -> Self:
        """From what was said of people and what they did then.

        A slope that would turn the order round is not taken: nothing is changed then,
        nor where all did the same.
        """
        from sklearn.linear_model import LogisticRegression

        if np.ptp(happened) == 0:
            return cls()
        fitted = LogisticRegression(C=1e3, max_iter=1000).fit(_logs(said), happened)
        a, b = map(float, fitted.coef_[0])
        if min(a, b) < 0:
            return cls()
        return cls(a=a, b=b, c=float(fitted.intercept_[0]))

    def __call__(self, said: "Numbers") -> "Numbers":
        """The probabilities brought to what happened."""
        from scipy.special import expit

        odds = _logs(said) @ np.array([self.a, self.b]) + self.c
        return np.asarray(expit(odds), np.float64)

    def files(self) -> dict[str, str]:
        """The calibration as text by file name."""
        return {FILE: json.dumps(asdict(self))}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """What `files` wrote; nothing is changed where it wrote nothing."""
        return cls(**json.loads(files.get(FILE, "{}")))


def _logs(said: "Numbers") -> "Numbers":
    sure = np.clip(said, _SURE, 1 - _SURE)
    return np.column_stack([np.log(sure), -np.log1p(-sure)])
