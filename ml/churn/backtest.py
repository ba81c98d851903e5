"""Judge churn models on people they have not seen; score others by the best."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn import learners
from ml.churn.calibration import Calibration
from ml.churn.contest import enough
from ml.churn.profit import Costs, Profit, curve
from ml.measures import of_probabilities

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

BASELINE, HAZARD, BASE_RATE = "rule", "hazard", "base_rate"
SHOWN = ("auc", "average_precision", "brier", "ece", "lift_at_10_percent", "log_loss")
_FOLDS, _FOLDS_OF_MANY = 10, 5
_MANY = 10_000
_RESAMPLES, _LEAST_RESAMPLES = 200, 60
_RESAMPLED_PEOPLE = 3_000_000
_SIDES = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What cross-validation found.

    `figures`: by model and measure. `intervals`: 95 %, by resampling people; and of
    the difference from the baseline in `differences`, on the same resamples.
    `profit`: what writing to people by these scores would earn.
    `raw`: the chosen model's probabilities out of fold, before calibration.
    """

    figures: Mapping[str, Mapping[str, float]]
    profit: Mapping[str, Profit]
    intervals: Mapping[str, Mapping[str, tuple[float, float]]]
    differences: Mapping[str, Mapping[str, tuple[float, float]]]
    chosen: str
    because: str
    raw: "Numbers"


def run(
    people: "pd.DataFrame",
    left: "Numbers",
    column: str | None,
    costs: Costs | None = None,
) -> Backtest:
    """Ten folds, five of many people; each is told by a model that never saw them.

    `column` is the one the plain rule reads, None: whichever tells best. Raises
    NotEnoughData when too few left or stayed.
    """
    enough(left, "table to learn from lacks")
    folds = _folds(left)
    with learners.one_thread():
        raw = {
            name: _out_of_fold(learn, people, left, folds)
            for name, learn in candidates(column, people).items()
            if name != learners.MEAN
        }
    raw[learners.MEAN] = learners.mean(*(raw[name] for name in learners.MODELS))
    mended = {name: _mended(told, left, folds) for name, told in raw.items()}
    figures = {name: of_probabilities(left, told) for name, told in mended.items()}
    intervals, differences = _resampled(left, mended)
    chosen, because = _choose(figures, differences)
    return Backtest(
        figures=figures,
        profit={
            name: curve(left, told, costs or Costs()) for name, told in mended.items()
        },
        intervals=intervals,
        differences=differences,
        chosen=chosen,
        because=because,
        raw=raw[chosen],
    )


def unjudged(left: "Numbers", why: str) -> Backtest:
    """Where too few left or stayed to judge anything: the rule, or the base rate.

    The rule, that who is silent longer is likelier gone, needs somebody of each kind.
    """
    both = 0 < left.sum() < len(left)
    because = (
        "The plain rule gives the scores, drawn half-way to the base rate; nothing was"
        if both
        else "Everybody gets the base rate; nothing was"
    )
    return Backtest(
        figures={},
        profit={},
        intervals={},
        differences={},
        chosen=BASELINE if both else BASE_RATE,
        because=f"{because} judged. {why}",
        raw=left,
    )


def score(
    people: "pd.DataFrame",
    left: "Numbers",
    others: "pd.DataFrame",
    *,
    found: Backtest,
    column: str | None,
) -> "Numbers":
    """Chances of others by the chosen model, trained on all and mended out of fold."""
    if found.figures:
        with learners.one_thread():
            told = candidates(column, people)[found.chosen](people, left)(others)
        return Calibration.fit(found.raw, left)(told)
    # a rate of so few is never 0 or 1: Jeffreys' half a person of each kind
    rate = np.full(len(others), (left.sum() + 0.5) / (len(left) + 1))
    if found.chosen == BASE_RATE:
        return rate
    rule = learners.one_column_rule(column)(people, left)(others)
    return learners.mean(rule, rate)


def candidates(
    column: str | None, people: "pd.DataFrame"
) -> "Mapping[str, learners.Learner]":
    """Those that compete, the baselines last.

    The survival baseline is there where a column tells silence or tenure.
    """
    lasting = _lasting(column, people)
    return {
        **learners.MODELS,
        learners.MEAN: learners.mean_of_models,
        **({HAZARD: learners.hazard(lasting)} if lasting else {}),
        BASELINE: learners.one_column_rule(column),
    }


def _lasting(column: str | None, people: "pd.DataFrame") -> tuple[str, ...]:
    """The columns the hazard runs over: silence and visits, or a tenure."""
    if column is not None:
        return tuple(name for name in (column, "visits") if name in people.columns)
    return tuple(
        str(name) for name in people.columns if str(name).lower().startswith("tenure")
    )[:1]


def _folds(left: "Numbers") -> "Numbers":
    """The number of each person's fold."""
    from sklearn.model_selection import StratifiedKFold

    folds = np.zeros(len(left))
    count = _FOLDS if len(left) < _MANY else _FOLDS_OF_MANY
    cut = StratifiedKFold(count, shuffle=True, random_state=learners.SEED)
    for number, (_, held) in enumerate(cut.split(left, left)):
        folds[held] = number
    return folds


def _out_of_fold(
    learn: "learners.Learner",
    people: "pd.DataFrame",
    left: "Numbers",
    folds: "Numbers",
) -> "Numbers":
    told = np.zeros(len(left))
    for fold in np.unique(folds):
        held = folds == fold
        told[held] = learn(people[~held], left[~held])(people[held])
    return told


def _mended(told: "Numbers", left: "Numbers", folds: "Numbers") -> "Numbers":
    """Each fold calibrated by what the others' people showed."""
    mended = np.zeros(len(left))
    for fold in np.unique(folds):
        held = folds == fold
        mended[held] = Calibration.fit(told[~held], left[~held])(told[held])
    return mended


def _resampled(
    left: "Numbers", told: Mapping[str, "Numbers"]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Intervals of every figure, and of its difference from the baseline's."""
    chance = np.random.default_rng(learners.SEED)
    drawn: dict[str, list[list[float]]] = {name: [] for name in told}
    wanted = max(min(_RESAMPLES, _RESAMPLED_PEOPLE // len(left)), _LEAST_RESAMPLES)
    for _ in range(wanted):
        who = chance.integers(0, len(left), len(left))
        for name, probability in told.items():
            found = of_probabilities(left[who], probability[who])
            drawn[name].append([found[measure] for measure in SHOWN])
    each = {name: np.array(values) for name, values in drawn.items()}
    return (
        {name: _sides(values) for name, values in each.items()},
        {
            name: _sides(values - each[BASELINE])
            for name, values in each.items()
            if name != BASELINE
        },
    )


def _sides(values: "Numbers") -> dict[str, tuple[float, float]]:
    low, high = np.quantile(values, _SIDES, axis=0)
    return {
        measure: (float(low[at]), float(high[at])) for at, measure in enumerate(SHOWN)
    }


def _choose(
    figures: Mapping[str, Mapping[str, float]],
    differences: Mapping[str, Mapping[str, tuple[float, float]]],
) -> tuple[str, str]:
    """The smallest log loss of those better than the rule beyond noise, or the rule."""
    better = [name for name, sides in differences.items() if sides["log_loss"][1] < 0]
    if not better:
        return BASELINE, (
            "The plain rule gives the scores: no model's log loss is smaller beyond"
            " the noise of resampling."
        )
    best = min(better, key=lambda name: figures[name]["log_loss"])
    return best, (
        f"{best} gives the scores: of those whose log loss is smaller than the plain"
        " rule's beyond the noise of resampling, it has the smallest."
    )
