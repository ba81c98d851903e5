"""Let the churn models compete on windows none of them has seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from ml.bar import Bar
from ml.cards.resampling import Measured, Resampled, resample
from ml.cards.resampling import of_probabilities as weighed
from ml.churn import (
    boosted_trees,
    hazard_rule,
    logistic_regression,
    recency_rule,
)
from ml.churn.calibration import Calibration
from ml.measures import of_probabilities
from ml.spine import Split
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Contributions = Mapping[str, tuple[Numbers, Numbers]]

BASELINE = "recency_rule"
BASELINES = ("hazard_rule", BASELINE)
"""Plain rules that run beside the models; the second is the one to beat."""
BAR = Bar(
    rules=(BASELINE,),
    never=frozenset({BASELINE}),
    must_beat={"average_precision": 1, "brier": -1},
    chosen_by="log_loss",
)
MOST_ORIGINS = 3

LEAST_PEOPLE = 100
LEAST_OF_EACH_OUTCOME = 20


class Fitted(Protocol):
    """A trained model."""

    def probabilities(self, people: "pd.DataFrame") -> "Numbers":
        """Chance of churn of each person."""

    def contributions(self, people: "pd.DataFrame") -> "Contributions":
        """By column: each person's value, and what it adds to their log-odds."""

    def files(self) -> dict[str, str]:
        """The model as text by file name."""


class _Model(Fitted, Protocol):
    @classmethod
    def fit(cls, people: "pd.DataFrame", churned: "Numbers") -> Self: ...

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to tell who will leave."""

    fit: "Callable[[pd.DataFrame, Numbers], Fitted]"
    read: Callable[[Mapping[str, str]], Fitted]
    parameters: Mapping[str, object]


def _candidate(model: type[_Model], parameters: Mapping[str, object]) -> Candidate:
    return Candidate(fit=model.fit, read=model.read, parameters=parameters)


CANDIDATES: Mapping[str, Candidate] = {
    "lightgbm": _candidate(boosted_trees.BoostedTrees, boosted_trees.PARAMETERS),
    "logistic_regression": _candidate(
        logistic_regression.LogisticRegression, logistic_regression.PARAMETERS
    ),
    "hazard_rule": _candidate(hazard_rule.HazardRule, hazard_rule.PARAMETERS),
    BASELINE: _candidate(recency_rule.RecencyRule, recency_rule.PARAMETERS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What each candidate, trained on earlier days, said of the judged day.

    `raw` is what it said itself, `said` the same brought to what happened in windows
    judged before this one.
    """

    people: "pd.DataFrame"
    happened: "Numbers"
    fitted: Mapping[str, Fitted]
    raw: "Mapping[str, Numbers]"
    said: "Mapping[str, Numbers]"

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """How good each candidate was."""
        return {
            name: of_probabilities(self.happened, probability)
            for name, probability in self.said.items()
        }


def rolling(people: "pd.DataFrame", days: Split) -> list[Trial]:
    """A trial of each of the last days, oldest first, trained on what came before it.

    Raises NotEnoughData where the last lacks people; an earlier one is passed over.
    """
    found: list[Trial] = []
    for at in range(1, len(days.complete))[-MOST_ORIGINS:]:
        split = replace(days, judged=days.complete[at], training=days.complete[:at])
        try:
            made = trial(people, split)
        except NotEnoughData:
            if split.judged == days.judged:
                raise
            continue
        if found:
            mended = calibrations(found)
            said = {name: mended[name](raw) for name, raw in made.raw.items()}
            made = replace(made, said=said)
        found.append(made)
    return found


def calibrations(trials: Sequence[Trial]) -> dict[str, Calibration]:
    """How to bring each candidate's words to what happened in these windows."""
    happened = np.concatenate([one.happened for one in trials])
    return {
        name: Calibration.fit(np.concatenate([t.raw[name] for t in trials]), happened)
        for name in trials[0].raw
    }


def trial(people: "pd.DataFrame", split: Split) -> Trial:
    """Train every candidate on the earlier days and ask it about the judged one.

    `people` is what `features.labelled` reads. Raises NotEnoughData when the days
    hold too few people of either outcome.
    """
    earlier = _of_days(people, {day.isoformat() for day in split.training})
    later = _of_days(people, {split.judged.isoformat()})
    return told(CANDIDATES, earlier, later, before=split.judged)


def told(
    candidates: Mapping[str, Candidate],
    earlier: "pd.DataFrame",
    later: "pd.DataFrame",
    *,
    before: date,
) -> Trial:
    """Train candidates on earlier people, before a day, and ask them about later ones.

    Raises NotEnoughData when either hold too few of either outcome.
    """
    learned, happened = earlier["churned"].to_numpy(), later["churned"].to_numpy()
    enough(learned, f"days to learn from (before {before}) lack")
    enough(happened, f"day to be judged on ({before}) lacks")
    fitted = {name: one.fit(earlier, learned) for name, one in candidates.items()}
    said = {name: model.probabilities(later) for name, model in fitted.items()}
    return Trial(
        people=later, happened=happened, fitted=fitted, raw=said, said=dict(said)
    )


def pooled(trials: Sequence[Trial]) -> Resampled:
    """Figures over all windows together, and of people drawn again with replacement.

    Who was judged in several windows is drawn into all of them or none.
    """
    names = np.concatenate([one.people["person_id"].to_numpy() for one in trials])
    people, own = np.unique(names.astype(str), return_inverse=True)
    happened = np.concatenate([one.happened for one in trials])
    measures = {
        name: weighed(happened, np.concatenate([t.said[name] for t in trials]))
        for name in trials[0].said
    }
    return resample(
        len(people),
        lambda weights: {
            name: measure(weights[own]) for name, measure in measures.items()
        },
    )


def enough(churned: "Numbers", what_lacks: str) -> None:
    """Raise NotEnoughData, naming what lacks, unless a model can learn from this."""
    gone = int(churned.sum())
    lacks = [
        f"{found} of {needed} {kind}"
        for kind, found, needed in (
            ("active people needed", len(churned), LEAST_PEOPLE),
            ("needed who left", gone, LEAST_OF_EACH_OUTCOME),
            ("needed who stayed", len(churned) - gone, LEAST_OF_EACH_OUTCOME),
        )
        if found < needed
    ]
    if lacks:
        raise NotEnoughData(
            f"Churn cannot be learned: the {what_lacks} people: {', '.join(lacks)}."
            " Import more history, or choose another --as-of."
        )


def leader(measured: Measured) -> str:
    """The smallest log loss of those ahead of the rule in all of the bar, or the rule.

    Whether the lead is more than luck is not asked here.
    """
    return BAR.leader(measured) or BASELINE


def choose(figures: Resampled, *, champion: str | None = None) -> tuple[str, str]:
    """The model that is to write the scores, and why.

    Of those better than the recency rule in average precision and Brier score, in one
    of them beyond luck, the one of the smallest log loss; the rule where there is
    none. The champion, which wrote them last, stays unless a challenger beats it too.
    """
    measured = figures.measured
    able = BAR.passing(figures)
    best = BAR.best(measured, able)
    if best is None:
        return BASELINE, (
            "Nothing promoted: the recency rule writes the scores, for on later windows"
            " no model beat it in average precision and Brier score beyond the luck of"
            f" who was judged ({_beside(measured, leader(measured), BASELINE)})."
        )
    keeps = champion in able and champion != best
    if champion and keeps and not BAR.beats(figures, best, champion):
        return champion, (
            f"{champion} goes on writing the scores: {best} is not ahead of it beyond"
            f" the luck of who was judged ({_beside(measured, champion, best)})."
        )
    return best, (
        f"{best} writes the scores: on later windows"
        f" {_beside(measured, best, BASELINE)}; of those that beat the rule beyond luck"
        " its log loss is the smallest."
    )


def _beside(measured: Measured, one: str, other: str) -> str:
    """One's figures beside another's."""
    its, beside = measured[one], measured[other]
    return (
        f"{one}'s average precision is {its['average_precision']:.4f} beside"
        f" {other}'s {beside['average_precision']:.4f}, its Brier score"
        f" {its['brier']:.4f} beside {beside['brier']:.4f}"
    )


def _of_days(people: "pd.DataFrame", days: set[str]) -> "pd.DataFrame":
    return people[people["day"].isin(days)]
