"""Watch lifetime values in use: have people moved, and how did scores turn out."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift as drifting
from ml import promises, records, spine
from ml.lifetime_value.contest import Trial
from ml.lifetime_value.customers import Customers
from ml.measures import of_amounts
from ml.spine import HORIZON_DAYS
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


def outcomes(client: "Client", as_of: date) -> None:
    """Write how values turned out whose outcomes are known by a day, the latest such.

    Passed over where nobody was scored.
    """
    days = spine.own_days(spine.complete_days(client), as_of)
    if not days:
        return
    told = frame(
        client,
        """
        select scores.model_id as model_id, scores.expected_value_minor as said,
            scores.low_minor as low, scores.high_minor as high,
            coalesce(scores.subscription_value_minor, nan) as subscribed,
            toFloat64(outcomes.revenue_minor) as spent,
            toFloat64(outcomes.subscription_minor) as spent_subscribed
        from ml.lifetime_values as scores
        inner join (
            select person_id, coalesce(revenue_minor, 0) as revenue_minor,
                coalesce(subscription_minor, 0) as subscription_minor
            from features.feat_outcomes
            where as_of = {day:Date} and is_complete
                and horizon_days = {horizon:UInt16}
        ) as outcomes on scores.person_id = outcomes.person_id
        where scores.as_of = {day:Date}
        order by scores.person_id
        """,
        {"day": days[-1], "horizon": HORIZON_DAYS},
    )
    if told.empty:
        return
    model_id = str(told.pop("model_id").iloc[0])
    of_each = {str(name): told[name].to_numpy(np.float64) for name in told}
    spent, said = of_each["spent"], of_each["said"]
    inside = (of_each["low"] <= spent) & (spent <= of_each["high"])
    seen = records.Watched(
        kind=KIND,
        watch="outcome",
        as_of=days[-1],
        model_id=model_id,
        values={
            **promises.of_money(spent, said, promises.promised_by(client, model_id)),
            "share_in_range": float(inside.mean()),
            **_by_kind(of_each),
        },
        people=len(told),
    )
    records.write_watch(client, seen)


def _by_kind(of_each: "Mapping[str, Numbers]") -> dict[str, float]:
    """The bias of each of the two sums; nothing where they were not told apart."""
    said = of_each["subscribed"]
    if not np.isfinite(said).all():
        return {}
    came = of_each["spent_subscribed"]
    rest = of_each["spent"] - came, of_each["said"] - said
    return {
        "subscription_bias": of_amounts(came, said)["bias"],
        "single_bias": of_amounts(*rest)["bias"],
    }


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
