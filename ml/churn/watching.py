"""Watch churn scores in use: have people moved, and how did the scores turn out."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift as drifting
from ml import promises, records, spine
from ml.churn.features import MEASURED
from ml.spine import HORIZON_DAYS
from warehouse.clickhouse import frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

KIND = "churn"


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


def outcomes(client: "Client", as_of: date) -> None:
    """Write how scores turned out whose outcomes are known by a day, the latest such.

    Passed over where nobody was scored, or where all did the same.
    """
    days = spine.own_days(spine.complete_days(client), as_of)
    if not days:
        return
    told = frame(
        client,
        f"""
        select scores.model_id as model_id, scores.churn_probability as said,
            toFloat64(outcomes.active_events = 0) as happened
        from ml.churn_scores as scores
        inner join (
            select person_id, active_events from features.feat_outcomes
            where as_of = {{day:Date}} and is_complete
                and horizon_days = {{horizon:UInt16}}
        ) as outcomes on scores.person_id = outcomes.person_id
        where scores.as_of = {{day:Date}} and {LEFT_ALONE}
        order by scores.person_id
        """,
        {"day": days[-1], "horizon": HORIZON_DAYS},
    )
    write_outcomes(client, KIND, days[-1], told)


LEFT_ALONE = """
    scores.person_id not in (
        select person_id from ml.interventions
        where arm = 'written_to' and as_of >= {day:Date}
            and as_of < {day:Date} + {horizon:UInt16}
        union distinct
        select person_id from activation.audience_members
        where sendable and as_of >= {day:Date}
            and as_of < {day:Date} + {horizon:UInt16}
    )
"""
"""Who was not written to or pushed within the horizon: if that kept somebody, the score
was not wrong."""


def write_outcomes(
    client: "Client", kind: str, day: date, told: "pd.DataFrame"
) -> None:
    """Write how the chances of a day turned out: `said`, `happened` and `model_id`."""
    if told.empty or np.ptp(told["happened"].to_numpy()) == 0:
        return
    model_id = str(told["model_id"].iloc[0])
    seen = records.Watched(
        kind=kind,
        watch="outcome",
        as_of=day,
        model_id=model_id,
        values=promises.of_chances(
            told["happened"].to_numpy(np.float64),
            told["said"].to_numpy(np.float64),
            promises.promised_by(client, model_id),
        ),
        people=len(told),
    )
    records.write_watch(client, seen)


def _columns(people: "pd.DataFrame", said: "Numbers") -> "dict[str, Numbers]":
    measured = {
        name: np.nan_to_num(people[name].to_numpy(np.float64)) for name in MEASURED
    }
    return {**measured, drifting.SCORE: said}
