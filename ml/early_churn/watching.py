"""Watch early churn in use: have newcomers moved, and how did their scores turn out."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift as drifting
from ml.churn.watching import LEFT_ALONE, write_outcomes
from ml.early_churn import features
from warehouse.clickhouse import frame, rows

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

KIND = "early_churn"
SCORES = "ml.early_churn_scores"


def reference(trial: "Trial", said: "Numbers") -> drifting.Reference:
    """The newcomers judged last, and what an estimator will say of such people."""
    return drifting.Reference.learn(columns(trial.people, said))


def columns(people: "pd.DataFrame", said: "Numbers") -> "dict[str, Numbers]":
    """What is watched of newcomers: what was measured of them, and their scores."""
    measured = {name: people[name].to_numpy(np.float64) for name in features.MEASURED}
    return {**measured, drifting.SCORE: said}


def outcomes(client: "Client", as_of: date) -> None:
    """Write how scores turned out whose horizons had ended by a day, the latest such.

    Passed over where nobody was scored, or where all did the same.
    """
    scored = rows(
        client,
        f"select as_of, max(horizon_days) as horizon from {SCORES}"
        " where as_of + horizon_days <= {day:Date}"
        " group by as_of order by as_of desc limit 1",
        {"day": as_of},
    )
    if not scored:
        return
    day, horizon = scored[0]["as_of"], scored[0]["horizon"]
    told = frame(
        client,
        f"""
        select scores.model_id as model_id, scores.churn_probability as said,
            toFloat64(outcomes.active_events = 0) as happened
        from {SCORES} as scores
        inner join (
            select person_id, active_events from {features.OUTCOMES} where is_complete
        ) as outcomes on scores.person_id = outcomes.person_id
        where scores.as_of = {{day:Date}} and {LEFT_ALONE}
        order by scores.person_id
        """,
        {"day": day, "horizon": horizon},
    )
    write_outcomes(client, KIND, day, told)
