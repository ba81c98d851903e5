"""A survival baseline: the hazard of leaving by silence, and one more column."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FILE = "hazard_rule.json"
COLUMNS = ("days_since_last_active", "tenure_days")
_SPANS = 12
_RIDGE = 1.0
_STEPS = 60
_CLOSE = 1e-8
_MOST_LOG_HAZARD = 3.0
PARAMETERS: Mapping[str, object] = {"spans": _SPANS, "ridge": _RIDGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardRule:
    """Discrete-time survival: complementary log-log over spans of each column.

    Within one horizon the chance of leaving is `1 - exp(-h)`, and `log h` is a
    constant, plus a step for the span a person's value lies in, per column: the
    proportional-hazards model of Prentice and Gloeckler (1978) for grouped time.
    `edges`: inner edges of each column's spans; `steps`: the constant first.
    """

    columns: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    steps: tuple[float, ...]

    @classmethod
    def fit(cls, people: "pd.DataFrame", churned: "Numbers") -> Self:
        """The hazard by days of silence and of tenure."""
        return cls.over(COLUMNS, people, churned)

    @classmethod
    def over(
        cls, columns: Sequence[str], people: "pd.DataFrame", churned: "Numbers"
    ) -> Self:
        """The hazard by spans of some columns; spans hold about equally many people.

        Steps are held together by a ridge, so that spans in which all or none left
        have finite hazards. The constant is free.
        """
        edges = tuple(_edges(people[name].to_numpy(np.float64)) for name in columns)
        flags = _flags(tuple(columns), edges, people)
        return cls(
            columns=tuple(columns),
            edges=edges,
            steps=tuple(_fitted(flags, churned).tolist()),
        )

    def probabilities(self, people: "pd.DataFrame") -> "Numbers":
        """Chance of churn of each person, in (0, 1)."""
        level = _flags(self.columns, self.edges, people) @ np.array(self.steps)
        return _chance(level)

    def contributions(
        self,
        people: "pd.DataFrame",  # noqa: ARG002 -- asked alike of all
    ) -> "dict[str, tuple[Numbers, Numbers]]":
        """None: its steps are all there is to it."""
        return {}

    def files(self) -> dict[str, str]:
        """The model as text by file name."""
        return {FILE: json.dumps(asdict(self), indent=1)}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The model that `files` wrote."""
        said = json.loads(files[FILE])
        return cls(
            columns=tuple(said["columns"]),
            edges=tuple(map(tuple, said["edges"])),
            steps=tuple(said["steps"]),
        )


def _edges(values: "Numbers") -> tuple[float, ...]:
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    cuts = np.quantile(known, np.linspace(0, 1, _SPANS + 1)[1:-1])
    return tuple(np.unique(cuts).tolist())


def _flags(
    columns: tuple[str, ...],
    edges: tuple[tuple[float, ...], ...],
    people: "pd.DataFrame",
) -> "Numbers":
    """A column of ones, then 0 and 1 per span; no span where nothing was measured."""
    parts = [np.ones((len(people), 1))]
    for name, cuts in zip(columns, edges, strict=True):
        values = people[name].to_numpy(np.float64)
        span = np.searchsorted(np.array(cuts), values, side="left")
        one_hot = np.eye(len(cuts) + 1)[span]
        parts.append(one_hot * np.isfinite(values)[:, None])
    return np.hstack(parts)


def _chance(level: "Numbers") -> "Numbers":
    hazard = np.exp(np.minimum(level, _MOST_LOG_HAZARD))
    chance: Numbers = np.clip(-np.expm1(-hazard), 1e-6, 1 - 1e-6)
    return chance


def _fitted(flags: "Numbers", churned: "Numbers") -> "Numbers":
    """Fisher scoring, halving a step that would make the likelihood worse."""
    penalty = np.full(flags.shape[1], _RIDGE)
    penalty[0] = 1e-6
    steps = np.zeros(flags.shape[1])
    rate = np.clip(churned.mean(), 1e-4, 1 - 1e-4)
    steps[0] = np.log(-np.log1p(-rate))
    best = _objective(flags, churned, steps, penalty)
    for _ in range(_STEPS):
        chance = _chance(flags @ steps)
        hazard = -np.log1p(-chance)
        slope = flags.T @ (hazard * (churned - chance) / chance) - penalty * steps
        weight = hazard**2 * (1 - chance) / chance
        curve = (flags * weight[:, None]).T @ flags + np.diag(penalty)
        move = np.linalg.solve(curve, slope)
        while (now := _objective(flags, churned, steps + move, penalty)) < best:
            move /= 2
            if np.abs(move).max() < _CLOSE:
                return steps
        steps, gained = steps + move, now - best
        best = now
        if gained < _CLOSE:
            break
    return steps


def _objective(
    flags: "Numbers", churned: "Numbers", steps: "Numbers", penalty: "Numbers"
) -> float:
    chance = _chance(flags @ steps)
    likelihood = np.where(churned > 0, np.log(chance), np.log1p(-chance)).sum()
    return float(likelihood - (penalty * steps**2).sum() / 2)
