"""Ways to tell who leaves from any table of numbers: two models, their mean, a rule."""

from collections.abc import Callable, Mapping
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
    "learning_rate": 0.03,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_ROUNDS = 250


def boosted_trees(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """LightGBM of small trees, larger where there are many people."""
    import lightgbm

    leaves = 7 if len(left) < _MANY else 31
    data = lightgbm.Dataset(people.to_numpy(np.float64), label=left)
    booster = lightgbm.train(
        {**_TREES, "num_leaves": leaves}, data, num_boost_round=_ROUNDS
    )

    def told(others: "pd.DataFrame") -> "Numbers":
        found = booster.predict(others.to_numpy(np.float64), num_threads=1)
        return np.asarray(found, np.float64)

    return told


def logistic_regression(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """Logistic regression on logarithms, missing numbers set to the median."""
    fitted = pipeline().fit(people.to_numpy(np.float64), left)

    def told(others: "pd.DataFrame") -> "Numbers":
        found = fitted.predict_proba(others.to_numpy(np.float64))[:, 1]
        return np.asarray(found, np.float64)

    return told


def mean_of_both(people: "pd.DataFrame", left: "Numbers") -> "Told":
    """The mean of both models' log-odds."""
    both = [learn(people, left) for learn in BOTH.values()]
    return lambda others: mean(*(tell(others) for tell in both))


def mean(*told: "Numbers") -> "Numbers":
    """Probabilities of the mean log-odds."""
    from scipy.special import expit

    odds = np.mean([log_odds(one) for one in told], axis=0)
    return np.asarray(expit(odds), np.float64)


BOTH: "Mapping[str, Learner]" = {
    "lightgbm": boosted_trees,
    "logistic_regression": logistic_regression,
}
MEAN = "mean_of_both"


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


def calibrated(
    probability: "Numbers", left: "Numbers"
) -> "Callable[[Numbers], Numbers]":
    """Beta calibration: a logistic regression on log(p) and log(1 - p).

    Kull, Silva Filho, Flach (2017), Beta calibration, AISTATS. A coefficient that
    would turn the order round is not taken: the probabilities stay as they are.
    """
    from sklearn.linear_model import LogisticRegression

    def both(told: "Numbers") -> "Numbers":
        sure = np.clip(told, _SURE, 1 - _SURE)
        return np.column_stack([np.log(sure), -np.log1p(-sure)])

    fitted = LogisticRegression(C=1e3, max_iter=1000).fit(both(probability), left)
    if (fitted.coef_ < 0).any():
        return lambda told: told

    def mended(told: "Numbers") -> "Numbers":
        return np.asarray(fitted.predict_proba(both(told))[:, 1], np.float64)

    return mended


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
