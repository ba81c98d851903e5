"""Let models of early churn compete on newcomers who came after those they know."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ml.churn import boosted_trees, hazard_rule, logistic_regression, recency_rule
from ml.churn.contest import BASELINE, MOST_ORIGINS, Candidate, Trial, calibrations
from ml.churn.contest import told as told_by
from ml.churn.features import Design
from ml.early_churn.features import MEASURED, NAMED
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import pandas as pd

JUDGED_DAYS = 28
"""Newcomers of so many days are judged together, and then taught for the next."""

HAZARD_COLUMNS = ("days_since_last_active", "events")
_learn = partial(Design.learn, measured=MEASURED, named=NAMED)

CANDIDATES: Mapping[str, Candidate] = {
    "lightgbm": Candidate(
        fit=partial(boosted_trees.BoostedTrees.fit, learn=_learn),
        read=boosted_trees.BoostedTrees.read,
        parameters=boosted_trees.PARAMETERS,
    ),
    "logistic_regression": Candidate(
        fit=partial(logistic_regression.LogisticRegression.fit, learn=_learn),
        read=logistic_regression.LogisticRegression.read,
        parameters=logistic_regression.PARAMETERS,
    ),
    "hazard_rule": Candidate(
        fit=partial(hazard_rule.HazardRule.over, HAZARD_COLUMNS),
        read=hazard_rule.HazardRule.read,
        parameters=hazard_rule.PARAMETERS,
    ),
    BASELINE: Candidate(
        fit=recency_rule.RecencyRule.fit,
        read=recency_rule.RecencyRule.read,
        parameters=recency_rule.PARAMETERS,
    ),
}


def origins(as_of: date, horizon_days: int) -> list[date]:
    """The first days of the windows that are judged, oldest first.

    The horizon of the last newcomer of the last window ends on `as_of`.
    """
    last = as_of - timedelta(days=horizon_days + JUDGED_DAYS)
    return [last - step * timedelta(days=JUDGED_DAYS) for step in range(MOST_ORIGINS)][
        ::-1
    ]


def rolling(people: "pd.DataFrame", *, as_of: date, horizon_days: int) -> list[Trial]:
    """A trial of the newcomers of each window, by models of earlier outcomes alone.

    Raises NotEnoughData where the last lacks people; an earlier one is passed over.
    """
    found: list[Trial] = []
    all_of = origins(as_of, horizon_days)
    for origin in all_of:
        begins = float((origin - date(1970, 1, 1)).days)
        moment = people["moment"]
        earlier = people[moment + horizon_days <= begins]
        later = people[(moment >= begins) & (moment < begins + JUDGED_DAYS)]
        try:
            made = told_by(CANDIDATES, earlier, later, before=origin)
        except NotEnoughData:
            if origin == all_of[-1]:
                raise
            continue
        if found:
            mended = calibrations(found)
            said = {name: mended[name](raw) for name, raw in made.raw.items()}
            made = replace(made, said=said)
        found.append(made)
    return found
