"""Ways to tell who leaves from numbers: models, their mean, plain rules."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn.hazard_rule import HazardRule
from ml.churn.logistic_regression import pipeline
from ml.churn.recency_rule import RecencyRule

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Told = Callable[[pd.DataFrame], Numbers]
    Learner = Callable[[pd.DataFrame, Numbers], Told]

SEED = 20260301
_MANY, _SURE = 20_000, 1e-6
_TREES: Mapping[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.02,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_ROUNDS = 300
_GROVES = 2
"""So many times the trees are grown, from different seeds: their mean is steadier."""

_FOREST: Mapping[str, Any] = {
    "n_estimators": 150,
    "min_samples_leaf": 15,
    "max_features": "sqrt",
    "random_state": SEED,
    "n_jobs": 1,
}
_MOST_IN_A_TREE = 20_000
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3)
_INNER_FOLDS = 3

SIGNS: Mapping[str, int] = {
    "days_silent": 1,
    "silence_in_gaps": 1,
    "events": -1,
    "visits": -1,
    "active_days": -1,
    "active_dates": -1,
    "parts_active": -1,
    "events_of_half_life_0.25": -1,
    "events_of_half_life_1": -1,
    "events_of_half_life_3": -1,
}
"""Where sense says which way a column moves the chance of leaving: the trees keep to
it. More silence never lowers it, more play never raises it."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra without threads: of small tables they wait for each other."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1):
        yield


def boosted_trees(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """LightGBM of small trees, larger where there are many people."""
    import lightgbm

    parameters = {
        **_TREES,
        "num_leaves": 7 if len(left) < _MANY else 31,
        "monotone_constraints": [SIGNS.get(str(name), 0) for name in people.columns],
    }
    rows = people.to_numpy(np.float64)
    boosters = [
        lightgbm.train(
            {**parameters, "seed": SEED + grove},
            lightgbm.Dataset(rows, label=left),
            num_boost_round=_ROUNDS,
        )
        for grove in range(_GROVES)
    ]

    def told(others: "pd.DataFrame") -> "Numbers":
        asked = others.to_numpy(np.float64)
        found = [booster.predict(asked, num_threads=1) for booster in boosters]
        return np.asarray(np.mean(found, axis=0), np.float64)

    return told


def logistic_regression(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """Logistic regression on logarithms, missing numbers set to the median.

    How hard its coefficients are held together is chosen by folds of the people it
    learns from: a log may have more columns than a few hundred people can teach.
    """
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    searched = GridSearchCV(
        pipeline(),
        {"logisticregression__C": list(_PENALTIES)},
        scoring="neg_log_loss",
        cv=StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=SEED),
    )
    fitted = searched.fit(people.to_numpy(np.float64), left)

    def told(others: "pd.DataFrame") -> "Numbers":
        found = fitted.predict_proba(others.to_numpy(np.float64))[:, 1]
        return np.asarray(found, np.float64)

    return told


def random_forest(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """Deep trees of few columns each: rough, but steady where columns are many."""
    from sklearn.ensemble import RandomForestClassifier

    middle = people.median().fillna(0.0)
    forest = RandomForestClassifier(
        **_FOREST, max_samples=min(1.0, _MOST_IN_A_TREE / len(left))
    ).fit(people.fillna(middle).to_numpy(np.float64), left)

    def told(others: "pd.DataFrame") -> "Numbers":
        asked = others.fillna(middle).to_numpy(np.float64)
        return np.asarray(forest.predict_proba(asked)[:, 1], np.float64)

    return told


def mean_of_models(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """The mean of all models' log-odds."""
    each = [learn(people, left) for learn in MODELS.values()]
    return lambda others: mean(*(tell(others) for tell in each))


def mean(*told: "Numbers") -> "Numbers":
    """Probabilities of the mean log-odds."""
    from scipy.special import expit

    odds = np.mean([log_odds(one) for one in told], axis=0)
    return np.asarray(expit(odds), np.float64)


MODELS: "Mapping[str, Learner]" = {
    "lightgbm": boosted_trees,
    "logistic_regression": logistic_regression,
    "random_forest": random_forest,
}
MEAN = "mean_of_models"


def one_column_rule(column: str | None) -> "Learner":
    """The rule to beat: a never-falling line over one column, such as the silence.

    Without a column, that which alone tells the people it learns from best apart.
    """

    def learn(people: "pd.DataFrame", left: "Numbers") -> "Told":
        name, sign = (column, 1.0) if column else _best_column(people, left)
        middle = people[name].median()

        def only(others: "pd.DataFrame") -> "pd.DataFrame":
            known = others[name].fillna(middle if np.isfinite(middle) else 0.0)
            return (sign * known).to_frame("days_since_last_active")

        rule = RecencyRule.fit(only(people), left)
        return lambda others: rule.probabilities(only(others))

    return learn


def hazard(columns: tuple[str, ...]) -> "Learner":
    """The survival baseline over some columns."""

    def learn(people: "pd.DataFrame", left: "Numbers") -> "Told":
        return HazardRule.over(columns, people, left).probabilities

    return learn


def log_odds(probability: "Numbers") -> "Numbers":
    """Log-odds of probabilities, those of certainty cut to one in a million."""
    sure = np.clip(probability, _SURE, 1 - _SURE)
    odds: Numbers = np.log(sure) - np.log1p(-sure)
    return odds


def _best_column(people: "pd.DataFrame", left: "Numbers") -> tuple[str, float]:
    """The column of the strongest rank correlation with leaving, and its sign."""
    from scipy.stats import rankdata

    best, strongest = str(people.columns[0]), 0.0
    for name in people.columns:
        ranks = rankdata(people[name].fillna(people[name].median()).to_numpy())
        if np.ptp(ranks) == 0 or np.isnan(ranks).any():
            continue
        together = float(np.corrcoef(ranks, left)[0, 1])
        if abs(together) > abs(strongest):
            best, strongest = str(name), together
    return best, 1.0 if strongest >= 0 else -1.0
