"""Read newcomers as of their own moments: some days after the first word of each."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from ml.churn.features import MOST_A_DAY
from warehouse.clickhouse import frame, rows
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

PEOPLE, OUTCOMES = "features.feat_newcomers", "features.feat_newcomer_outcomes"
MEASURED: Mapping[str, int] = {
    "days_since_last_active": 1,
    "events": -1,
    "active_days": -1,
    "events_first_day": 0,
    "events_last_day": -1,
    "sessions": -1,
    "game_sessions": -1,
    "rolls": -1,
    "logins": -1,
    "distinct_features": -1,
    "distinct_games": -1,
    "support_tickets": 0,
    "revenue_minor": 0,
}
"""Columns of feat_newcomers, each with the sign of its effect where sense says one."""

NAMED = ("plan", "country", "signup_method", "device_type", "first_campaign")
COLUMNS = (*MEASURED, *NAMED)
SCORED_DAYS = 7
"""People are scored in the week in which their moment lies: once by weekly runs."""

_MOST = 5 * MOST_A_DAY


def labelled(client: "Client", as_of: date) -> "pd.DataFrame":
    """Newcomers whose horizon ended by a day, and whether they stayed away in it.

    Columns: day (text, of the moment), moment (days since 1970), person_id, those of
    COLUMNS, churned (0 or 1). Of very many a sample is read, the same on every call.
    Raises NotEnoughData where no features of newcomers were published.
    """
    published = rows(
        client,
        "select name from system.tables where database = 'features'"
        " and name in ('feat_newcomers', 'feat_newcomer_outcomes')",
    )
    if len(published) < 2:  # noqa: PLR2004 both
        raise NotEnoughData(
            "No features of newcomers have been published yet. Build them, check their"
            " gate and publish them: `questlog build features`, then `gate`, `publish`."
        )
    return frame(
        client,
        f"""
        select
            {_selected()},
            toFloat64(outcomes.active_events = 0) as churned,
            outcomes.horizon_days as horizon_days
        from {PEOPLE} as people
        inner join (
            select person_id, active_events, horizon_days from {OUTCOMES}
            where is_complete and as_of_moment + toIntervalDay(horizon_days)
                <= toDateTime64({{day:Date}}, 3, 'UTC')
        ) as outcomes
            on people.person_id = outcomes.person_id
        order by sipHash64(people.person_id), people.person_id
        limit {{most:UInt32}}
        """,
        {"day": as_of, "most": _MOST},
    )


def current(client: "Client", as_of: date) -> "pd.DataFrame":
    """Newcomers whose moment lies in the week before a day, without the outcome."""
    return frame(
        client,
        f"""
        select {_selected()}
        from {PEOPLE} as people
        where people.as_of_moment > toDateTime64({{day:Date}} - {SCORED_DAYS}, 3, 'UTC')
            and people.as_of_moment <= toDateTime64({{day:Date}}, 3, 'UTC')
        order by people.person_id
        """,
        {"day": as_of},
    )


def _selected() -> str:
    moment = "toUnixTimestamp64Milli(people.as_of_moment) / 86400000 as moment"
    measured = [f"toFloat64(people.{name}) as {name}" for name in MEASURED]
    named = [f"toString(people.{name}) as {name}" for name in NAMED]
    day = "toString(toDate(people.as_of_moment, 'UTC')) as day"
    return ", ".join([day, moment, "people.person_id as person_id", *measured, *named])
