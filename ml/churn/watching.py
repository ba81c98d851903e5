"""Watch churn scores in use: have people moved, and how did the scores turn out."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift as drifting
from ml import records
from ml.churn.features import MEASURED
from ml.measures import of_probabilities
from ml.spine import HORIZON_DAYS
from warehouse.clickhouse import frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

KIND = "churn"
ASKS = "asks_for_training"
"""1 where outcomes say that the scores' model no longer holds."""

_BEYOND_LUCK = 4.0
_LEAST_SPREAD = 1e-9


def reference(trial: "Trial", said: "Numbers") -> drifting.Reference:
    """The people of the judged day, and what an estimator will say of such people."""
    return drifting.Reference.learn(_columns(trial.people, said))


def drift(
    files: Mapping[str, str],
    people: "pd.DataFrame",
    said: "Numbers",
    *,
    as_of: date,
    model_id: str,
) -> records.Watched:
    """How far people and scores of a day are from those of the judged one."""
    return records.Watched(
        kind=KIND,
        watch="drift",
        as_of=as_of,
        model_id=model_id,
        values=drifting.Reference.read(files).index(_columns(people, said)),
        people=len(people),
    )


def outcomes(client: "Client", people: "pd.DataFrame", scores: str) -> None:
    """Write how the scores of each day turned out, now that its outcomes are known.

    `people` are those of the days with known outcomes, `scores` the table. Whoever
    was written to or pushed to a platform within the horizon is left out: if that
    kept them, the score was not wrong. Days that were never scored, or on which all
    did the same, are passed over.
    """
    for day, here in people.groupby("day"):
        told = frame(
            client,
            f"""
            select person_id, model_id, churn_probability from {scores}
            where as_of = {{day:Date}} and person_id not in (
                select person_id from ml.interventions
                where arm = 'written_to' and as_of >= {{day:Date}}
                    and as_of < {{day:Date}} + {{horizon:UInt16}}
                union distinct
                select person_id from activation.audience_members
                where sendable and as_of >= {{day:Date}}
                    and as_of < {{day:Date}} + {{horizon:UInt16}}
            )
            """,
            {"day": date.fromisoformat(str(day)), "horizon": HORIZON_DAYS},
        )
        if told.empty:
            continue
        both = here[["person_id", "churned"]].merge(told, on="person_id")
        happened = both["churned"].to_numpy(np.float64)
        if len(both) == 0 or np.ptp(happened) == 0:
            continue
        said = both["churn_probability"].to_numpy(np.float64)
        seen = records.Watched(
            kind=KIND,
            watch="outcome",
            as_of=date.fromisoformat(str(day)),
            model_id=str(both["model_id"].iloc[0]),
            values=turned_out(happened, said),
            people=len(both),
        )
        records.write_watch(client, seen)


def turned_out(happened: "Numbers", said: "Numbers") -> dict[str, float]:
    """Figures of scores whose outcomes are known, and whether they ask for training.

    They do where as many leavers as came could not come by luck, were every score
    right (four standard errors), or where the base rate alone would have said better.
    """
    found = of_probabilities(happened, said)
    spread = np.sqrt(np.sum(said * (1 - said))) + _LEAST_SPREAD
    off = float((happened.sum() - said.sum()) / spread)
    plain = of_probabilities(happened, np.full(len(said), happened.mean()))
    asks = abs(off) > _BEYOND_LUCK or found["log_loss"] > plain["log_loss"]
    return {**found, "leavers_off_by_errors": off, ASKS: float(asks)}


def _columns(people: "pd.DataFrame", said: "Numbers") -> "dict[str, Numbers]":
    measured = {
        name: np.nan_to_num(people[name].to_numpy(np.float64)) for name in MEASURED
    }
    return {**measured, drifting.SCORE: said}
