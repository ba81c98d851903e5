"""Find the parameters under which what was seen is likeliest, and say how it went."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LOWEST, HIGHEST = np.log(1e-6), np.log(1e6)
"""Bounds of every log-parameter: the data say nothing beyond them."""

_NEAR = np.log(100.0)
_STEEP = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """The best parameters found, and whether they can be trusted.

    `converged`: the slope is flat there, but for directions a bound cuts off.
    `at_boundary`: the parameters that ran towards a bound, with the side.
    """

    parameters: Mapping[str, float]
    log_likelihood: float
    converged: bool
    at_boundary: Mapping[str, str]

    @property
    def notes(self) -> list[str]:
        """What a reader of the fit must be told; empty when all is well."""
        said = [
            f"{name} ran to its {side} bound: the data do not settle it"
            for name, side in self.at_boundary.items()
        ]
        if not self.converged:
            said.append("the search ended before the likelihood was flat")
        return said


def maximise(
    mean_log_likelihood: "Callable[[Numbers], tuple[float, Numbers]]",
    *,
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
    weight: float,
) -> Maximum:
    """Climb from every start and keep the highest point.

    The function takes the logarithms of the parameters and gives the mean
    log-likelihood with its gradient by those logarithms; `weight` is the number of
    observations in that mean.
    """
    from scipy.optimize import minimize

    def downhill(logs: "Numbers") -> "tuple[float, Numbers]":
        value, gradient = mean_log_likelihood(logs)
        return -value, -gradient

    ends = [
        minimize(
            downhill,
            np.log(start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(LOWEST, HIGHEST)] * len(names),
            options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8, "maxls": 50},
        )
        for start in starts
    ]
    logs: Numbers = min(ends, key=lambda end: float(end.fun)).x
    value, gradient = mean_log_likelihood(logs)
    return Maximum(
        parameters={
            name: float(np.exp(at)) for name, at in zip(names, logs, strict=True)
        },
        log_likelihood=float(value * weight),
        converged=bool(np.all(np.abs(_free(logs, gradient)) < _STEEP)),
        at_boundary={
            name: "lower" if at < 0 else "upper"
            for name, at in zip(names, logs, strict=True)
            if at < LOWEST + _NEAR or at > HIGHEST - _NEAR
        },
    )


def _free(logs: "Numbers", gradient: "Numbers") -> "Numbers":
    """The slope without what points out of the bounds."""
    outwards = ((logs <= LOWEST) & (gradient < 0)) | (
        (logs >= HIGHEST) & (gradient > 0)
    )
    return np.where(outwards, 0.0, gradient)
