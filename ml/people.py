"""Read what was known of everybody on a day, for rooms that need no outcomes."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from warehouse.clickhouse import frame
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

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
    "subscription_minor_56",
    "single_minor_56",
    "support_tickets_56",
    "revenue_minor_total",
)
"""Columns of features.feat_people that tell what a person does."""

NAMED = ("plan",)

RATIO = "sessions_ratio"
"""Sessions of the last 28 days over those of the 28 days before; nan without any."""


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


def laid_out(values: "NDArray[np.float64]") -> "Numbers":
    """Logarithms that keep signs, less their mean, over their spread; gaps are 0."""
    found = np.asarray(values, np.float32)
    found = np.sign(found) * np.log1p(np.abs(found))
    known = np.isfinite(found)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, found, 0).sum(axis=0) / count
    off = np.where(known, found - mean, 0)
    spread = np.sqrt((off**2).sum(axis=0) / count)
    return np.asarray(off / np.where(spread > 0, spread, 1), np.float32)


def sessions_ratio(people: "pd.DataFrame") -> "NDArray[np.float64]":
    """RATIO of each person."""
    before = people["sessions_prev_28"].to_numpy(np.float64)
    now = people["sessions_28"].to_numpy(np.float64)
    ratio: NDArray[np.float64] = now / np.where(before > 0, before, np.nan)
    return ratio
