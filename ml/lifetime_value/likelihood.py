"""Find the parameters under which what was seen is likeliest, and say how it went."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.lifetime_value.history import History

    Numbers = NDArray[np.float64]

LOWEST, HIGHEST = np.log(1e-6), np.log(1e6)
"""Bounds of every log-parameter: the data say nothing beyond them."""

_NEAR = np.log(100.0)
_STEEP = 1e-4
_STEP = 1e-4
_AS_HIGH = 0.01
_MANY, _ROUGHLY = 40_000, 15_000
_STEPS, _FLAT = 12, 1e-8
_SCALES = ("alpha", "beta")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """The best parameters found, and whether they can be trusted.

    `converged`: the slope is flat there, but for directions a bound cuts off.
    `at_boundary`: the parameters that ran towards a bound, with the side.
    `starts_agreeing`: how many of the starts ended this high.
    `covariance`: of the logarithms of `names`, from the observed information; nan
    for those at a boundary, and for all where the top is no top.
    """

    parameters: Mapping[str, float]
    log_likelihood: float
    converged: bool
    at_boundary: Mapping[str, str]
    starts_agreeing: int
    names: tuple[str, ...]
    covariance: "Numbers" = field(repr=False)

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """Of each parameter, by the delta method; None where the data settle none."""
        spread = np.sqrt(np.diag(self.covariance))
        return {
            name: float(self.parameters[name] * wide) if np.isfinite(wide) else None
            for name, wide in zip(self.names, spread, strict=True)
        }

    @property
    def is_sound(self) -> bool:
        """Whether the likelihood has one flat top, away from every bound."""
        return self.converged and not self.at_boundary

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


Likelihood = Callable[["Numbers"], "tuple[float, Numbers]"]
"""From log-parameters: the mean log-likelihood, and its gradient by them."""


def maximise(
    mean_log_likelihood: Likelihood,
    *,
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
    weight: float,
    roughly: Likelihood | None = None,
) -> Maximum:
    """Climb from every start and keep the highest point.

    `weight` is the number of observations in the mean. `roughly` is the same of a
    sample, where there are many: the starts climb there, and the last steps are taken
    on all, by the sample's curvature. Where those do not arrive, all is climbed.
    """
    ground = roughly or mean_log_likelihood
    ends = [_climbed(ground, np.log(start)) for start in starts]
    logs: Numbers = min(ends, key=lambda end: end[1])[0]
    top = ground(logs)[0]
    agreeing = sum((top + end[1]) * weight > -_AS_HIGH for end in ends)
    if roughly is not None:
        stepped = _stepped(mean_log_likelihood, roughly, logs)
        logs = (
            stepped if stepped is not None else _climbed(mean_log_likelihood, logs)[0]
        )
    value, gradient = mean_log_likelihood(logs)
    at_boundary = {
        name: "lower" if at < 0 else "upper"
        for name, at in zip(names, logs, strict=True)
        if at < LOWEST + _NEAR or at > HIGHEST - _NEAR
    }
    settled = np.array([name not in at_boundary for name in names])
    return Maximum(
        parameters={
            name: float(np.exp(at)) for name, at in zip(names, logs, strict=True)
        },
        log_likelihood=float(value * weight),
        converged=bool(np.all(np.abs(_free(logs, gradient)) < _STEEP)),
        at_boundary=at_boundary,
        starts_agreeing=agreeing,
        names=tuple(names),
        covariance=_covariance(mean_log_likelihood, logs, settled, weight),
    )


def roughly(
    of_history: "Callable[[Numbers, History], tuple[float, Numbers]]", groups: "History"
) -> Likelihood | None:
    """The likelihood of a sample of many histories; None where they are few."""
    if len(groups.age) <= _MANY:
        return None
    sample = groups.sample(_ROUGHLY).grouped()
    return lambda logs: of_history(logs, sample)


def _climbed(likelihood: Likelihood, start: "Numbers") -> "tuple[Numbers, float]":
    """Where a search from a start ended, and the negative value there."""
    from scipy.optimize import minimize

    def downhill(logs: "Numbers") -> "tuple[float, Numbers]":
        value, gradient = likelihood(logs)
        return -value, -gradient

    end = minimize(
        downhill,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(LOWEST, HIGHEST)] * len(start),
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8, "maxls": 50},
    )
    return end.x, float(end.fun)


def _stepped(
    likelihood: Likelihood, sample: Likelihood, logs: "Numbers"
) -> "Numbers | None":
    """Newton's steps with a sample's curvature; None where they do not arrive."""
    inside = np.all((logs > LOWEST + _NEAR) & (logs < HIGHEST - _NEAR))
    spread = _covariance(sample, logs, np.ones(len(logs), dtype=bool), 1.0)
    if not inside or not np.isfinite(spread).all():
        return None
    for _ in range(_STEPS):
        slope = likelihood(logs)[1]
        if np.abs(slope).max() < _FLAT:
            return logs
        logs = logs + spread @ slope
        if not np.all((logs > LOWEST) & (logs < HIGHEST)):
            return None
    return None


def in_unit(how: Maximum, units_a_week: float, history: "History") -> Maximum:
    """A fit in weeks told in another unit of time: rates, and densities of moments.

    Nothing else moves: of a scale parameter the logarithm only shifts.
    """
    scaled = {
        name: value * (units_a_week if name in _SCALES else 1.0)
        for name, value in how.parameters.items()
    }
    repeats = float(history.frequency @ history.customers)
    return replace(
        how,
        parameters=scaled,
        log_likelihood=how.log_likelihood - repeats * float(np.log(units_a_week)),
    )


def _covariance(
    mean_log_likelihood: "Callable[[Numbers], tuple[float, Numbers]]",
    logs: "Numbers",
    settled: "NDArray[np.bool_]",
    weight: float,
) -> "Numbers":
    """The inverse of the observed information about the settled log-parameters.

    The information is the slope of the gradient, by central differences.
    """
    found = np.full((len(logs), len(logs)), np.nan)
    steps = _STEP * np.eye(len(logs))[settled]
    rows = [
        mean_log_likelihood(logs - step)[1] - mean_log_likelihood(logs + step)[1]
        for step in steps
    ]
    if not rows:
        return found
    information = np.stack(rows)[:, settled] * weight / (2 * _STEP)
    information = (information + information.T) / 2
    if np.linalg.eigvalsh(information)[0] > 0:
        found[np.ix_(settled, settled)] = np.linalg.inv(information)
    return found


def _free(logs: "Numbers", gradient: "Numbers") -> "Numbers":
    """The slope without what points out of the bounds."""
    outwards = ((logs <= LOWEST) & (gradient < 0)) | (
        (logs >= HIGHEST) & (gradient > 0)
    )
    return np.where(outwards, 0.0, gradient)
