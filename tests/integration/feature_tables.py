"""Feature tables of a made-up world, filled by hand: for models on an engine."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn.features import MEASURED
from ml.early_churn.features import MEASURED as NEWCOMER_MEASURED
from ml.early_churn.features import NAMED as NEWCOMER_NAMED
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AS_OF = date(2026, 6, 1)
PEOPLE = 400
STEP = timedelta(days=28)
SPINE = [AS_OF - step * STEP for step in range(5)]

_PEOPLE_TABLE = f"""
create or replace table features.feat_people (
    as_of Date, person_id String, {", ".join(f"{name} Int64" for name in MEASURED)},
    plan LowCardinality(String), country LowCardinality(String), signup_method String,
    device_type LowCardinality(String), first_campaign LowCardinality(String),
    purchase_frequency UInt32, purchase_recency_days UInt32, purchase_age_days UInt32,
    purchase_mean_minor Nullable(Float64), is_active_56 Bool
) engine = MergeTree partition by as_of order by (as_of, person_id)
"""
_OUTCOMES_TABLE = """
create or replace table features.feat_outcomes (
    as_of Date, person_id String, horizon_days UInt16, active_events UInt64,
    revenue_minor Int64, subscription_minor Int64, purchase_days UInt64,
    is_complete Bool
) engine = MergeTree partition by as_of order by (as_of, person_id)
"""

_NEWCOMERS_TABLE = f"""
create or replace table features.feat_newcomers (
    person_id String, as_of_moment DateTime64(3, 'UTC'),
    {", ".join(f"{name} Float64" for name in NEWCOMER_MEASURED)},
    {", ".join(f"{name} LowCardinality(String)" for name in NEWCOMER_NAMED)}
) engine = MergeTree order by (as_of_moment, person_id)
"""
_NEWCOMER_OUTCOMES_TABLE = """
create or replace table features.feat_newcomer_outcomes (
    person_id String, as_of_moment DateTime64(3, 'UTC'), horizon_days UInt16,
    active_events UInt64, is_complete Bool
) engine = MergeTree order by (as_of_moment, person_id)
"""


def a_day(day: date, *, size: int = PEOPLE) -> tuple[list[Any], list[Any]]:
    """Rows of feat_people and feat_outcomes of one day of a made-up world."""
    generator = np.random.default_rng(day.toordinal())
    people, outcomes = [], []
    for number in range(size):
        measured = dict.fromkeys(MEASURED, int(generator.integers(0, 9)))
        silence = int(generator.integers(1, 56))
        active = int(generator.integers(1, 40))
        measured |= {"days_since_last_active": silence, "active_days_56": active}
        left = generator.random() < 1 / (1 + np.exp(3 - silence * active / 90))
        repeats = int(generator.poisson(2)) if number % 2 else 0
        age = int(generator.integers(30, 300))
        last = int(age * generator.random() ** 0.3) if repeats else 0
        mean = float(generator.integers(300, 3000)) if number % 5 else None
        again = int(generator.poisson(repeats * 28 / age)) if mean else 0
        name = f"person-{number}"
        bought = [repeats if mean else 0, last, age, mean]
        people.append(
            [
                day,
                name,
                *measured.values(),
                "free",
                "DE",
                "email",
                "mobile",
                "",
                *bought,
                number < 390,
            ]
        )
        outcomes.append(
            [
                day,
                name,
                28,
                0 if left else 5,
                int(again * (mean or 0)),
                int(again * (mean or 0)) if number % 3 else 0,
                again,
                day < AS_OF,
            ]
        )
    return people, outcomes


def fill(client: "Client", days: list[date] = SPINE, *, size: int = PEOPLE) -> None:
    client.command(_PEOPLE_TABLE)
    client.command(_OUTCOMES_TABLE)
    for day in days:
        people, outcomes = a_day(day, size=size)
        client.insert("features.feat_people", people)
        client.insert("features.feat_outcomes", outcomes)


def scores(client: "Client", table: str) -> list[dict[str, Any]]:
    return rows(
        client,
        f"select * except (scored_at) from {table}"
        " where as_of = {as_of:Date} order by person_id",
        {"as_of": AS_OF},
    )


def fill_newcomers(client: "Client", *, size: int = 900, signal: float = 1.0) -> None:
    """Newcomers of half a year up to AS_OF and a month more; the silent stay away."""
    client.command(_NEWCOMERS_TABLE)
    client.command(_NEWCOMER_OUTCOMES_TABLE)
    generator = np.random.default_rng(5)
    until = datetime(AS_OF.year, AS_OF.month, AS_OF.day, tzinfo=UTC)
    people, outcomes = [], []
    for number in range(size):
        ago = timedelta(minutes=int(generator.integers(-30 * 1440, 180 * 1440)))
        moment, name = until - ago, f"newcomer-{number}"
        silence, events = float(generator.uniform(0, 5)), int(generator.integers(1, 60))
        odds = signal * (silence - 2.5 - 0.05 * (events - 30))
        left = generator.random() < 1 / (1 + np.exp(-odds))
        measured = dict.fromkeys(NEWCOMER_MEASURED, float(generator.integers(0, 5)))
        measured |= {"days_since_last_active": silence, "events": float(events)}
        people.append([name, moment, *measured.values(), *["x"] * len(NEWCOMER_NAMED)])
        outcomes.append([name, moment, 10, 0 if left else 3, ago >= timedelta(days=10)])
    client.insert("features.feat_newcomers", people)
    client.insert("features.feat_newcomer_outcomes", outcomes)
