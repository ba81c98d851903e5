"""Let the churn models compete on a window none of them has seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from ml.churn import (
    boosted_trees,
    hazard_rule,
    logistic_regression,
    recency_rule,
)
from ml.measures import of_probabilities
from ml.spine import Split
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Contributions = Mapping[str, tuple[Numbers, Numbers]]

BASELINE = "recency_rule"
BASELINES = ("hazard_rule", BASELINE)
"""Plain rules that run beside the models; the second is the one to beat."""
MUST_BEAT: Mapping[str, int] = {"average_precision": 1, "brier": -1}
"""What a model must beat the baseline on; the sign says which way is better."""

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
    """What each candidate, trained on earlier days, said of the judged day."""

    people: "pd.DataFrame"
    happened: "Numbers"
    fitted: Mapping[str, Fitted]
    said: "Mapping[str, Numbers]"

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """How good each candidate was."""
        return {
            name: of_probabilities(self.happened, probability)
            for name, probability in self.said.items()
        }


def judge(people: "pd.DataFrame", split: Split) -> dict[str, dict[str, float]]:
    """Measure every candidate as `trial` tries it."""
    return trial(people, split).metrics


def trial(people: "pd.DataFrame", split: Split) -> Trial:
    """Train every candidate on the earlier days and ask it about the judged one.

    `people` is what `features.labelled` reads. Raises NotEnoughData when the days
    hold too few people of either outcome.
    """
    earlier = _of_days(people, {day.isoformat() for day in split.training})
    later = _of_days(people, {split.judged.isoformat()})
    learned, happened = earlier["churned"].to_numpy(), later["churned"].to_numpy()
    enough(learned, f"days to learn from (up to {split.training[-1]}) lack")
    enough(happened, f"day to be judged on ({split.judged}) lacks")
    fitted = {name: one.fit(earlier, learned) for name, one in CANDIDATES.items()}
    return Trial(
        people=later,
        happened=happened,
        fitted=fitted,
        said={name: model.probabilities(later) for name, model in fitted.items()},
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


def choose(metrics: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    """The model that is to write the scores, and why.

    Of those better than the baseline in all of MUST_BEAT the one of the smallest
    log loss; the baseline where there is none.
    """
    rule = metrics[BASELINE]
    better = [
        name
        for name, found in metrics.items()
        if all(sign * (found[one] - rule[one]) > 0 for one, sign in MUST_BEAT.items())
    ]
    if not better:
        return BASELINE, (
            "The recency rule writes the scores: on the later window no model beat it"
            f" in both average precision ({rule['average_precision']:.4f}) and Brier"
            f" score ({rule['brier']:.4f})."
        )
    best = min(better, key=lambda name: metrics[name]["log_loss"])
    won = metrics[best]
    return best, (
        f"{best} writes the scores: on the later window its average precision is"
        f" {won['average_precision']:.4f} beside the recency rule's"
        f" {rule['average_precision']:.4f}, its Brier score {won['brier']:.4f} beside"
        f" {rule['brier']:.4f}, and its log loss the smallest of those that beat it."
    )


def _of_days(people: "pd.DataFrame", days: set[str]) -> "pd.DataFrame":
    return people[people["day"].isin(days)]
