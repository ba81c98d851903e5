"""Read the customers of a day: when they bought, what it was worth, what came after."""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml.lifetime_value.history import History
from ml.registry import fingerprint
from warehouse.clickhouse import frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

DAYS_A_WEEK = 7.0
FEATURES = (
    "purchase_frequency",
    "purchase_recency_days",
    "purchase_age_days",
    "purchase_mean_minor",
)
ACTIVITY = (
    "tenure_days",
    "days_since_last_active",
    "active_days_28",
    "active_days_56",
    "sessions_28",
    "sessions_prev_28",
    "game_sessions_28",
    "distinct_features_28",
    "group_size_56",
    "payments_56",
    "revenue_minor_56",
    "subscription_minor_56",
    "single_minor_56",
)
"""What the two-part model reads beside the histories: columns of feat_people."""


def known(client: "Client", day: date) -> "pd.DataFrame":
    """Everyone who paid before a day, ordered: person_id, FEATURES and ACTIVITY."""
    return frame(
        client,
        f"""
        select {_selected()}
        from features.feat_people as people
        where people.as_of = {{day:Date}} and people.purchase_mean_minor is not null
        order by people.person_id
        """,
        {"day": day},
    )


def with_outcomes(client: "Client", day: date, horizon_days: int) -> "pd.DataFrame":
    """The same with what followed in the horizon.

    Columns beside: revenue_minor, subscription_minor (of it), purchase_days.
    """
    return frame(
        client,
        f"""
        select
            {_selected()},
            toFloat64(coalesce(outcomes.revenue_minor, 0)) as revenue_minor,
            toFloat64(coalesce(outcomes.subscription_minor, 0)) as subscription_minor,
            toFloat64(coalesce(outcomes.purchase_days, 0)) as purchase_days
        from features.feat_people as people
        inner join (
            select person_id, revenue_minor, subscription_minor, purchase_days
            from features.feat_outcomes
            where as_of = {{day:Date}}
                and horizon_days = {{horizon_days:UInt16}} and is_complete
        ) as outcomes
            on people.person_id = outcomes.person_id
        where people.as_of = {{day:Date}} and people.purchase_mean_minor is not null
        order by people.person_id
        """,
        {"day": day, "horizon_days": horizon_days},
    )


def _selected() -> str:
    numbers = [
        f"coalesce(toFloat64(people.{c}), 0) as {c}" for c in (*FEATURES, *ACTIVITY)
    ]
    return ", ".join(["people.person_id as person_id", *numbers])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Customers:
    """Purchase histories in weeks, with the mean value of a purchase day.

    `activity` holds what else was known of each, by name; histories alone need none.
    """

    history: History
    mean_value: "Numbers"
    activity: "Mapping[str, Numbers]" = field(default_factory=dict)

    @property
    def purchases(self) -> "Numbers":
        """Purchase days seen, the first among them: what the mean is taken over."""
        return self.history.frequency + 1

    def __len__(self) -> int:
        return len(self.mean_value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The customers of a day, and what they did in the horizon from it.

    `hash` is of all the rows they were read from; `subscribed` is what of `spent` was
    for subscriptions.
    """

    day: date
    hash: str = ""
    people: "NDArray[np.object_]"
    customers: Customers
    spent: "Numbers"
    subscribed: "Numbers"
    bought: "Numbers"


def seen(day: date, people: "pd.DataFrame") -> Seen:
    """The rows of `with_outcomes`, in the same order."""
    return Seen(
        day=day,
        hash=fingerprint(people),
        people=people["person_id"].to_numpy(dtype=object),
        customers=customers(people),
        spent=people["revenue_minor"].to_numpy(dtype=np.float64),
        subscribed=people["subscription_minor"].to_numpy(dtype=np.float64),
        bought=people["purchase_days"].to_numpy(dtype=np.float64),
    )


def customers(people: "pd.DataFrame") -> Customers:
    """The rows of `known` as numbers, in the same order."""
    column = {name: people[name].to_numpy(dtype=np.float64) for name in FEATURES}
    return Customers(
        history=History.of(
            frequency=column["purchase_frequency"],
            recency=column["purchase_recency_days"] / DAYS_A_WEEK,
            age=column["purchase_age_days"] / DAYS_A_WEEK,
        ),
        mean_value=column["purchase_mean_minor"],
        activity={
            name: people[name].to_numpy(dtype=np.float64)
            for name in ACTIVITY
            if name in people
        },
    )
