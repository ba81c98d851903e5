"""Watch lifetime values in use: have people moved, and how did scores turn out."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift as drifting
from ml import records
from ml.lifetime_value.contest import Trial
from ml.lifetime_value.customers import Customers, Seen
from ml.measures import of_amounts
from warehouse.clickhouse import frame

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

KIND = "lifetime_value"


def reference(trial: Trial, name: str) -> drifting.Reference:
    """The customers of the judged day, and what an estimator said of them."""
    said = trial.expected[name].value
    return drifting.Reference.learn(_columns(trial.customers, said))


def drift(
    files: Mapping[str, str],
    customers: Customers,
    said: "Numbers",
    *,
    as_of: date,
    model_id: str,
) -> records.Watched:
    """How far customers and scores of a day are from those of the judged one."""
    return records.Watched(
        kind=KIND,
        watch="drift",
        as_of=as_of,
        model_id=model_id,
        values=drifting.Reference.read(files).index(_columns(customers, said)),
        people=len(customers),
    )


def outcomes(client: "Client", days: Sequence[Seen]) -> None:
    """Write how the scores of each day turned out, now that its outcomes are known.

    Days that were never scored are passed over.
    """
    for day in days:
        told = frame(
            client,
            "select person_id, model_id, expected_value_minor, low_minor, high_minor"
            " from ml.lifetime_values where as_of = {day:Date}",
            {"day": day.day},
        )
        if told.empty:
            continue
        told = told.set_index("person_id")
        both = [person in told.index for person in day.people]
        if not any(both):
            continue
        scored = told.reindex(day.people[both].tolist())
        spent = day.spent[both]
        low, high = scored["low_minor"].to_numpy(), scored["high_minor"].to_numpy()
        said = scored["expected_value_minor"].to_numpy(dtype=np.float64)
        inside = float(np.mean((low <= spent) & (spent <= high)))
        seen = records.Watched(
            kind=KIND,
            watch="outcome",
            as_of=day.day,
            model_id=str(scored["model_id"].iloc[0]),
            values={**of_amounts(spent, said), "share_in_range": inside},
            people=len(spent),
        )
        records.write_watch(client, seen)


def _columns(customers: Customers, said: "Numbers") -> "dict[str, Numbers]":
    told = customers.history
    return {
        "purchase_frequency": told.frequency,
        "purchase_recency_weeks": told.recency,
        "purchase_age_weeks": told.age,
        "purchase_mean_minor": customers.mean_value,
        **customers.activity,
        drifting.SCORE: said,
    }
