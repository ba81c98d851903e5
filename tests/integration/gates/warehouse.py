"""A warehouse where every table that gates judge holds one sound row."""

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Any

from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RunEndpoint = Callable[[Settings], AbstractContextManager[Any]]
DAY = date(2026, 3, 1)
TAGGED = ["unplanned_event"]

EVENT = "00000000-0000-4000-8000-000000000001"
SEEN_EVENT = "00000000-0000-4000-8000-00000000000e"
PAID_EVENT = "00000000-0000-4000-8000-00000000000a"
CONSENT_EVENT = "00000000-0000-4000-8000-00000000000"

TABLES: dict[str, dict[str, str]] = {
    "staging.stg_events": {
        "event_id": "String default toString(generateUUIDv4())",
        "event_name": "String default 'page_viewed'",
        "user_id": "String default 'ann'",
        "anonymous_id": "String default ''",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "received_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "imported": "Bool default false",
        "tags": "Array(String)",
        "properties": """String default '{"path": "/"}'""",
        "own_key": "UInt64 default sipHash64(user_id, anonymous_id)",
        "sequence": "UInt64 default 1",
        **dict.fromkeys(
            (
                *("source", "os", "device_type", "browser", "country"),
                *("event_version", "clock_offset_source", "client_session_id"),
            ),
            "String default 'web'",
        ),
    },
    "staging.stg_payments": {
        "event_id": f"String default '{PAID_EVENT}'",
        "amount_minor": "Nullable(Int64) default 499",
        "own_key": "UInt64 default 1",
        "kind": "String default 'payment'",
        "currency": "String default 'EUR'",
        "plan": "String default 'hero'",
        "product": "String default 'single'",
        "payment_id": "String default 'payment'",
        "refund_id": "String default ''",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
    },
    "staging.stg_consents": {
        "event_id": "String",
        "own_key": "UInt64 default 1",
        "purpose": "String",
        "granted": "Bool",
        "via": "String default 'banner'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
    },
    "staging.stg_exchange_rates": {
        "rate_on": "Date default '2025-01-01'",
        "currency": "String",
        "minor_units_per_trillion_eur": "Int256",
    },
    "intermediate.int_events_identified": {
        "event_id": f"String default '{SEEN_EVENT}'",
        "event_name": "String default 'page_viewed'",
        "person_id": "String default 'ann'",
        "country": "String default 'DE'",
        "is_engagement": "Bool default true",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "sequence": "UInt64 default 1",
    },
    "intermediate.int_payments_converted": {
        "event_id": f"String default '{PAID_EVENT}'",
        "kind": "String default 'payment'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "reporting_amount_minor": "Nullable(Int64) default 499",
    },
    "intermediate.int_channel_paths": {
        "has_converted": "Bool default true",
        "revenue_minor": "Int64 default 499",
    },
    "marts_build.fct_sessions": {
        "session_id": "String default toString(generateUUIDv4())",
        "person_id": "String default 'ann'",
        "started_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "ended_at": "DateTime64(3, 'UTC') default '2026-02-01 10:30:00'",
        "duration_ms": "UInt64 default dateDiff('millisecond', started_at, ended_at)",
        "started_on": "Date default toDate(started_at)",
        "events": "UInt64 default 1",
        "page_views": "UInt64 default 1",
        "session_number": "UInt64 default 1",
        "revenue_minor": "Int64 default 499",
        "bot_reasons": "Array(String)",
        **dict.fromkeys(
            ("is_bot", "is_bounce", "is_converted", "is_runaway"),
            "Bool default false",
        ),
        **dict.fromkeys(
            (
                *("channel", "device_type", "os", "browser"),
                *("entry_event", "exit_event", "entry_path", "exit_path"),
                *("referrer_host", "utm_source", "utm_campaign"),
            ),
            "String default 'web'",
        ),
    },
    "marts_build.fct_events": {
        "event_id": f"String default '{SEEN_EVENT}'",
        "event_name": "String default 'page_viewed'",
        "person_id": "String default 'ann'",
        "person_key": "UInt64 default 1",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
    },
    "marts_build.fct_lifecycle": {
        "period": "String default 'day'",
        "starts_on": "Date default '2026-02-01'",
        "new_people": "Int64 default 1",
        "returning_people": "Int64 default 0",
        "resurrecting_people": "Int64 default 0",
        "active_people": "Int64 default 1",
    },
    "marts_build.fct_active_days": {
        "active_on": "Date default '2026-02-01'",
        "person_id": "String default 'ann'",
    },
    "marts_build.fct_stickiness": {
        "days_active": "UInt8 default 1",
        "people": "UInt64 default 1",
        "last_day": "Date default '2026-02-01'",
    },
    "intermediate.int_people_steps": {
        "person_key": "UInt64 default 1",
        "steps_reached": "UInt8 default 1",
    },
    "marts_build.fct_attribution": {
        "model": "String default 'first'",
        "channel": "String default 'direct'",
        "conversions": "Float64 default 1",
        "revenue_minor": "Float64 default 499",
    },
    "marts_build.fct_cohort_revenue": {
        "property": "String default 'everyone'",
        "revenue_minor": "Int64 default 499",
    },
    "marts_build.fct_daily_metrics": {
        "day": "Date default '2026-02-01'",
        "metric": "String",
        "property": "String default 'everyone'",
        "amount": "Float64",
    },
    "marts_build.fct_game_sessions": {
        "event_id": "String default toString(generateUUIDv4())",
        "person_id": "String default 'ann'",
        "role": "String default 'player'",
        "has_end": "Bool default true",
        "started_on": "Date default toDate(started_at)",
        "started_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "ended_at": "DateTime64(3, 'UTC') default '2026-02-01 10:30:00'",
        "duration_ms": "UInt64 default 1800000",
    },
    "marts_build.fct_page_views": {
        "event_id": "String default toString(generateUUIDv4())",
        "viewed_on": "Date default '2026-02-01'",
        "is_entry": "Bool",
        "is_exit": "Bool",
        **dict.fromkeys(
            ("path", "host", "referrer_host", "utm_source", "utm_campaign"), "String"
        ),
        "person_id": "String default 'ann'",
    },
    "marts.fct_payments": {
        "paid_on": "Date default '2026-02-10'",
        "reporting_currency": "String default 'EUR'",
        "reporting_amount_minor": "Int64 default 499",
    },
    "marts.dim_people": {
        "person_id": "String default 'ann'",
        "last_seen_at": "DateTime64(3, 'UTC') default '2026-02-01 10:30:00'",
        "events": "UInt64 default 1",
        "advertising_consent": "Bool default true",
    },
    "features.feat_people": {
        "as_of": "Date default '2026-03-01'",
        "person_id": "String default 'ann'",
        "is_active_56": "Bool default true",
        "days_since_last_active": "UInt32 default 1",
        "revenue_minor_total": "Int64 default 499",
    },
    "features.feat_newcomers": {
        "person_id": "String default 'ann'",
        "as_of_moment": "DateTime64(3, 'UTC') default '2026-02-26 10:00:00'",
    },
    "marts_build.fct_weekly_retention": {
        "cohort_week": "Date default '2026-02-02'",
        "weeks_later": "Int32 default 0",
        "people": "UInt64 default 1",
        "returned": "UInt64 default 1",
    },
    "marts_build.fct_activation_funnel": {
        "step_number": "UInt8 default 1",
        "step_name": "String default 'user_signed_up'",
        "people": "UInt64 default 1",
    },
    "marts_build.fct_payments": {
        "event_id": f"String default '{PAID_EVENT}'",
        "person_id": "String default 'ann'",
        "kind": "String default 'payment'",
        "product": "String default 'single'",
        "plan": "String default 'hero'",
        "paid_on": "Date default '2026-02-01'",
        "currency": "String default 'EUR'",
        "amount_minor": "Nullable(Int64) default 499",
        "reporting_currency": "String default 'EUR'",
        "reporting_amount_minor": "Nullable(Int64) default amount_minor",
        "rate_on": "Nullable(Date)",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
    },
    "marts_build.dim_people": {
        "person_id": "String default 'ann'",
        "first_seen_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "last_seen_at": "DateTime64(3, 'UTC') default '2026-02-01 10:30:00'",
        "events": "UInt64 default 1",
        "sessions": "UInt64 default 1",
        "payments": "UInt64 default 1",
        "revenue_minor": "Int64 default 499",
        "is_known": "Bool default true",
        "country": "Nullable(String) default 'DE'",
        "signup_method": "Nullable(String) default 'email'",
        "analytics_consent": "Bool default true",
        "personalisation_consent": "Bool default true",
        "advertising_consent": "Bool default false",
    },
    "marts_build.fct_daily_events": {
        "day": "Date default '2026-02-01'",
        "event_name": "String default 'page_viewed'",
        "source": "String default 'web'",
        "events": "UInt64 default 1",
        "people": "UInt64 default 1",
    },
    "marts_build.dim_rfm": {
        "as_of": "Date default '2026-03-01'",
        "person_id": "String default 'ann'",
        "r_score": "UInt8 default 1",
        "f_score": "UInt8 default 1",
        "m_score": "UInt8 default 1",
        "segment": "String default 'lost'",
        "recency_days": "UInt32 default 1",
        "frequency": "UInt64 default 1",
        "monetary_minor": "Int64 default 499",
    },
    "features_build.feat_people": {
        "as_of": "Date default '2026-03-01'",
        "person_id": "String default 'ann'",
        **dict.fromkeys(
            (
                *("tenure_days", "days_since_last_active", "events_28"),
                *("active_days_7", "active_days_14", "active_days_28"),
                *("active_days_56", "purchase_age_days", "purchase_recency_days"),
                "purchase_frequency",
            ),
            "UInt32 default 1",
        ),
        "purchase_mean_minor": "Nullable(Float64) default 499",
        "is_active_56": "Bool default true",
        **dict.fromkeys(
            (
                *("sessions_28", "game_sessions_28", "distinct_features_28"),
                *("rolls_28", "logins_28", "payments_56", "revenue_minor_56"),
                *("revenue_minor_total", "group_size_56", "support_tickets_56"),
                *("subscription_minor_56", "single_minor_56"),
            ),
            "Int64 default 1",
        ),
        **dict.fromkeys(
            ("plan", "country", "signup_method", "device_type"), "Nullable(String)"
        ),
    },
    "features_build.feat_outcomes": {
        "as_of": "Date default '2026-03-01'",
        "person_id": "String default 'ann'",
        "horizon_days": "UInt16 default 28",
        "purchase_days": "UInt64 default 1",
    },
}

STAGED, PAID = "staging.stg_events", "staging.stg_payments"
IDENTIFIED = "intermediate.int_events_identified"
SESSIONS, PEOPLE = "marts_build.fct_sessions", "marts_build.dim_people"
RETENTION, FUNNEL = (
    "marts_build.fct_weekly_retention",
    "marts_build.fct_activation_funnel",
)
PAYMENTS, RFM = "marts_build.fct_payments", "marts_build.dim_rfm"
DAYS = "marts_build.fct_daily_events"
FEATURES = "features_build.feat_people"
OUTCOMES = "features_build.feat_outcomes"
EVENTS, LIFECYCLE = "marts_build.fct_events", "marts_build.fct_lifecycle"
ATTRIBUTION, PAGES = "marts_build.fct_attribution", "marts_build.fct_page_views"
GAMES = "marts_build.fct_game_sessions"
SHOWN_FEATURES = "features.feat_people"
CHURN, VALUES = "ml.churn_scores", "ml.lifetime_values"
EARLY, NEWCOMERS = "ml.early_churn_scores", "features.feat_newcomers"
MEMBERS = "activation.audience_members"
MANY = [{"person_id": f"p{place:02}"} for place in range(60)]


def members(as_of: str, places: range) -> list[dict[str, Any]]:
    return [{"as_of": as_of, "person_id": f"m{place}"} for place in places]


THEN = members("2026-02-28", range(30))
# rows of our own tables, and of those of which one default row does not fit the rest
DEFAULTS: dict[str, dict[str, Any]] = {
    CHURN: {
        "as_of": "2026-03-01",
        "person_id": "ann",
        "churn_probability": 0.5,
        "horizon_days": 28,
        "model_id": "churn-model",
    },
    EARLY: {
        "as_of": "2026-03-01",
        "person_id": "ann",
        "churn_probability": 0.5,
        "horizon_days": 10,
        "model_id": "early-model",
    },
    VALUES: {
        "as_of": "2026-03-01",
        "person_id": "ann",
        "probability_alive": 0.5,
        "expected_purchases": 1,
        "expected_value_minor": 499,
        "currency": "EUR",
        "horizon_days": 28,
        "model_id": "value-model",
    },
    MEMBERS: {
        "as_of": "2026-03-01",
        "audience": "high_value",
        "person_id": "ann",
        "value": 499,
        "sendable": True,
        "withheld_because": "",
    },
    "ml.models": {"as_of": "2026-03-01", "is_chosen": True},
}
SOUND: dict[str, list[dict[str, Any]]] = {
    "staging.stg_consents": [
        {"event_id": f"{CONSENT_EVENT}{place}", "purpose": purpose, "granted": granted}
        for place, (purpose, granted) in enumerate(
            (("analytics", False), ("personalisation", True), ("advertising", True))
        )
    ],
    "staging.stg_exchange_rates": [
        {"currency": "EUR", "minor_units_per_trillion_eur": 100_000_000_000_000},
        {"currency": "USD", "minor_units_per_trillion_eur": 110_000_000_000_000},
    ],
    "marts_build.dim_people": [{"personalisation_consent": False}],
    "marts_build.fct_daily_metrics": [
        {"metric": "revenue_minor", "amount": 499},
        {"metric": "events", "amount": 1},
        {"metric": "sessions", "amount": 1},
        {"metric": "human_sessions", "amount": 1},
    ],
    GAMES: [],
    CHURN: [{}],
    EARLY: [{}],
    VALUES: [{}],
    MEMBERS: [{}],
    "ml.models": [
        {"model_id": "churn-model", "kind": "churn"},
        {"model_id": "early-model", "kind": "early_churn"},
        {"model_id": "value-model", "kind": "lifetime_value"},
    ],
    "ops.anomalies": [],
    "ops.profiles": [],
    "ops.judged_days": [],
}


@contextlib.contextmanager
def warehouse_of_gates(made: Settings, run_endpoint: RunEndpoint) -> Iterator[Settings]:
    """An endpoint of our own: these tests put tables where dbt would."""
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        for table, columns in TABLES.items():
            client.command(f"create database if not exists {table.split('.')[0]}")
            listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            client.command(
                f"create table {table} ({listed}) engine = MergeTree order by tuple()"
            )
        yield made


@contextlib.contextmanager
def made_sound(settings: Settings) -> "Iterator[Client]":
    """A client of the warehouse whose every table holds one sound row."""
    with connect(settings) as client:
        for table in [*TABLES, *(set(SOUND) - set(TABLES))]:
            client.command(f"truncate table {table}")
            insert(client, table, *SOUND.get(table, [{}]))
        yield client


def insert(client: "Client", table: str, *values: dict[str, Any]) -> None:
    if not values:
        return
    defaults = DEFAULTS.get(table, {})
    lines = "\n".join(json.dumps(defaults | row) for row in values)
    client.raw_insert(table, insert_block=lines.encode(), fmt="JSONEachRow")
