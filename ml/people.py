"""Read what was known of everybody on a day, for rooms that need no outcomes."""

from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import frame
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

MEASURED = (
    "tenure_days",
    "days_since_last_active",
    "active_days_7",
    "active_days_28",
    "active_days_56",
    "events_28",
    "sessions_28",
    "sessions_prev_28",
    "game_sessions_28",
    "distinct_features_28",
    "rolls_28",
    "logins_28",
    "group_size_56",
    "payments_56",
    "revenue_minor_56",
    "revenue_minor_total",
)
"""Columns of features.feat_people that tell what a person does."""

NAMED = ("plan",)


def everyone(client: "Client", as_of: date) -> "pd.DataFrame":
    """People active in the 56 days before a day, in the order of their ids.

    Columns: person_id, those of MEASURED as numbers (nan: not measured), those of
    NAMED as text. Raises NotEnoughData when nobody was.
    """
    measured = [f"coalesce(toFloat64(people.{c}), nan) as {c}" for c in MEASURED]
    named = [f"coalesce(toString(people.{c}), '') as {c}" for c in NAMED]
    found = frame(
        client,
        f"""
        select people.person_id as person_id, {", ".join([*measured, *named])}
        from features.feat_people as people
        where people.as_of = {{day:Date}} and people.is_active_56
        order by people.person_id
        """,
        {"day": as_of},
    )
    if found.empty:
        raise NotEnoughData(
            f"features.feat_people has nobody active before {as_of}."
            " Build and publish the features of that day first."
        )
    return found
