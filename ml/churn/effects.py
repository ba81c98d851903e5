"""Which columns a churn model lives on: by shuffling them, and by their shares."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.cards.resampling import SEED, of_probabilities
from ml.measures import spearman

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

MOST_PEOPLE = 20_000
SHUFFLES = 3
_CLEAR = 0.5
_NO_FEATURES = {"day", "moment", "person_id", "churned", "horizon_days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """How much average precision a shuffled column costs: mean, least and most."""

    column: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a column adds to log-odds: the mean size, and which way more of it goes."""

    column: str
    mean_size: float
    direction: int


def losses(trial: "Trial", estimator: str) -> list[Loss]:
    """The columns whose order among people matters most, the dearest first.

    Empty where precision is not defined.
    """
    import pandas as pd

    people, happened = _some(trial)
    model = trial.fitted[estimator]
    again = pd.concat([people] * SHUFFLES, ignore_index=True)
    everyone = np.ones(len(people))

    def precision(said: "Numbers") -> float:
        return of_probabilities(happened, said)(everyone)["average_precision"]

    whole = precision(model.probabilities(people))
    if not isfinite(whole):
        return []
    generator = np.random.default_rng(SEED)
    found = []
    for column in [name for name in people.columns if name not in _NO_FEATURES]:
        if len(people[column].unique()) == 1:
            continue
        shuffled = [_shuffled(people[column], g) for g in generator.spawn(SHUFFLES)]
        changed = again.assign(**{column: np.concatenate(shuffled)})
        # asked once for all shuffles: reading a model costs more than asking it
        said = np.split(model.probabilities(changed), SHUFFLES)
        costs = [whole - precision(each) for each in said]
        found.append(
            Loss(
                column=column,
                mean=float(np.mean(costs)),
                low=min(costs),
                high=max(costs),
            )
        )
    return sorted(found, key=lambda loss: (-loss.mean, loss.column))


def shares(trial: "Trial", estimator: str) -> list[Share]:
    """What each column of the model's design adds, the largest first."""
    people, _ = _some(trial)
    model = trial.fitted[estimator]
    found = [
        Share(
            column=column,
            mean_size=float(np.abs(added).mean()),
            direction=_direction(values, added),
        )
        for column, (values, added) in model.contributions(people).items()
    ]
    return sorted(found, key=lambda share: (-share.mean_size, share.column))


def _direction(values: "Numbers", added: "Numbers") -> int:
    """1 where more means likelier to leave, -1 the other way, 0 where neither."""
    known = ~np.isnan(values)
    if not known.any():
        return 0
    found = spearman(values[known], added[known])
    return int(np.sign(found)) if abs(found) >= _CLEAR else 0


def _some(trial: "Trial") -> "tuple[pd.DataFrame, Numbers]":
    size = len(trial.people)
    if size <= MOST_PEOPLE:
        return trial.people, trial.happened
    generator = np.random.default_rng(SEED)
    drawn = np.sort(generator.choice(size, MOST_PEOPLE, replace=False))
    return trial.people.iloc[drawn], trial.happened[drawn]


def _shuffled(
    column: "pd.Series[Any]", generator: np.random.Generator
) -> "NDArray[Any]":
    found: NDArray[Any] = column.to_numpy()[generator.permutation(len(column))]
    return found
