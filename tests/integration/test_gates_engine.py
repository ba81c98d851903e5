"""The gates on an engine: each rule sees its fault, and a closed gate says so."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from expectations.gates import GATES, check, inspect
from expectations.taxonomy import event_rules
from warehouse.clickhouse import connect, rows
from warehouse.errors import GateClosed, MigrationFailed, Unavailable
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.taxonomy import load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")
DAY = date(2026, 3, 1)
TAGGED = ["unplanned_event"]
RunEndpoint = Callable[[Settings], AbstractContextManager[Any]]

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
        "event_id": "String default toString(generateUUIDv4())",
        "event_name": "String default 'page_viewed'",
        "person_id": "String default 'ann'",
        "is_engagement": "Bool default true",
        "occurred_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "known_at": "DateTime64(3, 'UTC') default '2026-02-01 10:00:00'",
        "sequence": "UInt64 default 1",
    },
    "intermediate.int_payments_converted": {
        "event_id": f"String default '{PAID_EVENT}'",
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
        **dict.fromkeys(
            ("is_bot", "is_bounce", "is_converted", "is_runaway"),
            "Bool default false",
        ),
        **dict.fromkeys(
            (
                *("channel", "device_type", "os", "browser"),
                *("entry_event", "exit_event"),
            ),
            "String default 'web'",
        ),
    },
    "marts_build.fct_events": {
        "event_id": "String default toString(generateUUIDv4())",
        "event_name": "String default 'page_viewed'",
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

EVENT = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Fault:
    """Rows that break one rule; what they don't name is as in a sound row."""

    rule: str
    table: str
    rows: tuple[dict[str, Any], ...]


def fault(rule: str, table: str, *rows: dict[str, Any]) -> Fault:
    return Fault(rule, table, rows)


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
    ],
    GAMES: [],
    CHURN: [{}],
    VALUES: [{}],
    MEMBERS: [{}],
    "ml.models": [
        {"model_id": "churn-model", "kind": "churn"},
        {"model_id": "value-model", "kind": "lifetime_value"},
    ],
    "ops.anomalies": [],
    "ops.profiles": [],
    "ops.judged_days": [],
}
OF_FEATURES = (
    "who_refused_analytics_has_no_features",
    "everybody_known_has_features",
)
"""Rules of features that rows of other tables break."""

GATES_OF = {
    "intermediate": "marts",
    CHURN: "churn",
    VALUES: "lifetime_value",
    MEMBERS: "audiences",
    SHOWN_FEATURES: "churn",
}
# a row in one of two tables that count the same leaves the other behind
BOB = {"person_id": "bob"}
FAULTS = [
    fault("one_row_per_event_id", STAGED, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("event_id_is_present", STAGED, {"event_id": str(UUID(int=0))}),
    fault("event_name_is_present", STAGED, {"event_name": "", "tags": TAGGED}),
    fault("person_is_present", STAGED, {"user_id": ""}),
    fault("known_at_is_present", STAGED, {"known_at": "1970-01-01"}),
    fault(
        "occurred_at_is_not_in_the_future",
        STAGED,
        {"occurred_at": "2026-02-02 10:00:00.001"},
    ),
    fault("properties_are_json", STAGED, {"properties": "{oops"}),
    fault("event_name_is_planned_or_tagged", STAGED, {"event_name": "cat_petted"}),
    fault("one_row_per_event_id", PAID, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("amount_can_be_read", PAID, {"amount_minor": None}),
    fault("every_event_has_its_person", IDENTIFIED, {}),
    fault("one_row_per_event_id", IDENTIFIED, {"event_id": EVENT}, {"event_id": EVENT}),
    fault(
        "start_is_not_after_end", SESSIONS, {"started_at": "2026-02-01 10:30:00.001"}
    ),
    fault("duration_is_from_start_to_end", SESSIONS, {"duration_ms": 5}),
    fault(
        "session_is_at_most_a_day", SESSIONS, {"ended_at": "2026-02-02 10:00:00.001"}
    ),
    fault("person_is_known", SESSIONS, BOB),
    fault("one_row_per_session_id", SESSIONS, {"session_id": "s"}, {"session_id": "s"}),
    fault("sessions_agree_with_fct_sessions", PEOPLE, {"sessions": 2}),
    fault("one_row_per_cohort_week_and_weeks_later", RETENTION, {"people": 0}),
    fault(
        "no_more_return_than_there_are", RETENTION, {"weeks_later": 1, "returned": 2}
    ),
    fault(
        "everybody_is_there_in_the_first_week",
        RETENTION,
        {"cohort_week": "2026-02-09", "returned": 0},
    ),
    fault("cohorts_sum_to_the_people", RETENTION, {"cohort_week": "2026-02-09"}),
    fault("one_row_per_step_number", FUNNEL, {}),
    fault("later_steps_are_not_larger", FUNNEL, {"step_number": 2, "people": 2}),
    fault("one_row_per_event_id", PAYMENTS, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("one_currency_is_counted", PAYMENTS, {"reporting_currency": "USD"}),
    fault(
        "money_of_the_reporting_currency_is_kept",
        PAYMENTS,
        {"reporting_amount_minor": 498},
    ),
    fault(
        "money_has_a_rate",
        PAYMENTS,
        {"currency": "USD", "reporting_amount_minor": None},
    ),
    fault("rates_are_recent", PAYMENTS, {"currency": "USD", "rate_on": "2025-12-31"}),
    fault("counted_money_has_a_currency", PAYMENTS, {"currency": "euro"}),
    fault(
        "currency_is_a_code",
        PAYMENTS,
        {"currency": "", "reporting_amount_minor": None},
    ),
    fault("refunds_are_negative", PAYMENTS, {"kind": "refund"}),
    fault("payments_agree_with_fct_payments", PEOPLE, {"payments": 2}),
    fault("events_sum_to_all_events", PEOPLE, BOB),
    fault("one_row_per_person_id", PEOPLE, {}),
    fault("first_seen_is_not_after_last_seen", PEOPLE, {"first_seen_at": "2026-02-02"}),
    fault("one_row_per_person_id", RFM, {}),
    fault("one_row_per_as_of_and_person_id", FEATURES, {}),
    fault("longer_windows_hold_shorter_ones", FEATURES, BOB | {"active_days_14": 0}),
    fault("active_days_fit_their_window", FEATURES, BOB | {"active_days_56": 57}),
    fault("an_active_day_has_an_event", FEATURES, BOB | {"events_28": 0}),
    fault("nothing_is_older_than_the_person", FEATURES, BOB | {"tenure_days": 0}),
    fault("active_means_active_days", FEATURES, BOB | {"is_active_56": False}),
    fault(
        "purchases_lie_between_first_and_last",
        FEATURES,
        BOB | {"purchase_recency_days": 0},
    ),
    fault(
        "who_paid_has_a_mean_above_zero", FEATURES, BOB | {"purchase_mean_minor": None}
    ),
    fault("everybody_has_an_outcome", FEATURES, BOB),
    fault("one_row_per_as_of_and_person_id", OUTCOMES, {}),
    fault("nobody_else_has_an_outcome", OUTCOMES, BOB),
    fault("purchase_days_fit_the_horizon", OUTCOMES, {"purchase_days": 29}),
    fault("one_row_per_day_and_event_name_and_source", DAYS, {}),
    fault("days_sum_to_all_events", DAYS, {"day": "2026-02-02"}),
    fault("every_payment_is_kept", PAYMENTS, {}),
    fault("scores_are_fifths_with_a_name", RFM, BOB | {"segment": ""}),
    fault("whoever_paid_before_the_day_is_scored", PAYMENTS, BOB),
    fault("returns_are_active_weeks", RETENTION, {"weeks_later": 1}),
    fault("steps_are_reached_by_those_who_took_them", FUNNEL, {"step_number": 2}),
    fault("everybody_active_lately_is_counted", "marts_build.fct_stickiness", {}),
    *(
        fault(
            f"{score}_rises_with_what_it_scores",
            RFM,
            *(
                {"person_id": f"p{place}", score: sign * (place // 5) % 6, of: place}
                for place in range(30)
            ),
        )
        for score, of, sign in (
            ("r_score", "recency_days", 1),
            ("f_score", "frequency", -1),
            ("m_score", "monetary_minor", -1),
        )
    ),
    fault(
        "everybody_known_has_features",
        STAGED,
        *({"user_id": f"u{place}"} for place in range(9)),
    ),
    fault("every_event_is_there", EVENTS, {}),
    fault("one_row_per_event_id", EVENTS, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("events_of_sessions_are_all_events", SESSIONS, {}),
    fault("revenue_of_sessions_is_all_revenue", SESSIONS, {}),
    fault("money_is_what_was_staged", PAYMENTS, {"amount_minor": 498}),
    fault(
        "money_is_converted_at_the_rate_of_its_day",
        PAYMENTS,
        {"currency": "USD", "reporting_amount_minor": 49900},
    ),
    fault("payments_are_not_negative", PAYMENTS, {"amount_minor": -499}),
    *(
        fault(
            f"{purpose}_consent_is_the_last_decision",
            IDENTIFIED,
            {"event_id": f"{CONSENT_EVENT}{place}", "event_name": "consent_decided"},
        )
        for place, purpose in enumerate(("analytics", "personalisation", "advertising"))
    ),
    fault("revenue_agrees_with_fct_payments", PEOPLE, {"revenue_minor": 498}),
    fault("revenue_of_people_is_all_revenue", PEOPLE, {"revenue_minor": 498}),
    fault("one_row_per_period_and_starts_on", LIFECYCLE, {}),
    fault("standings_sum_to_active_people", LIFECYCLE, {"active_people": 2}),
    fault("active_people_are_those_with_active_days", LIFECYCLE, {"active_people": 2}),
    fault("credits_sum_to_the_revenue", ATTRIBUTION, {"revenue_minor": 5}),
    fault("credits_are_numbers", ATTRIBUTION, {"conversions": -1}),
    fault(
        "cohorts_have_the_same_revenue_by_any_property",
        "marts_build.fct_cohort_revenue",
        {"property": "country", "revenue_minor": 5},
    ),
    *(
        fault(name, "marts_build.fct_daily_metrics", {"metric": metric, "amount": 5})
        for name, metric in (
            ("daily_revenue_is_all_revenue", "revenue_minor"),
            ("daily_events_are_all_events", "events"),
            ("daily_sessions_are_all_sessions", "sessions"),
        )
    ),
    fault("one_row_per_event_id", GAMES, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("start_is_not_after_end", GAMES, {"ended_at": "2026-02-01 09:00:00"}),
    fault("every_start_is_there", GAMES, {}),
    fault("one_row_per_event_id", PAGES, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("every_page_view_is_there", PAGES, {}),
    fault(
        "events_28_agrees_with_the_events",
        FEATURES,
        *({"person_id": f"p{place}", "events_28": 9} for place in range(5)),
    ),
    fault(
        "revenue_minor_total_agrees_with_the_events",
        FEATURES,
        *({"person_id": f"p{place}", "revenue_minor_total": 9} for place in range(5)),
    ),
    fault(
        "who_refused_analytics_has_no_features",
        IDENTIFIED,
        {"event_id": f"{CONSENT_EVENT}0", "event_name": "consent_decided"},
    ),
    fault("one_row_per_person", CHURN, {}),
    fault("whoever_is_scored_has_features", CHURN, BOB),
    fault("model_is_known", CHURN, {"model_id": "another"}),
    fault("chance_is_a_chance", CHURN, {"churn_probability": 1.01}),
    fault("people_are_told_apart", CHURN, *MANY),
    fault("everybody_active_is_scored", SHOWN_FEATURES, BOB),
    fault("one_row_per_person", VALUES, {}),
    fault("whoever_is_scored_has_features", VALUES, BOB),
    fault("model_is_known", VALUES, {"model_id": "another"}),
    fault("values_are_amounts", VALUES, {"expected_value_minor": -1}),
    fault("values_are_in_the_reporting_currency", VALUES, {"currency": "USD"}),
    fault("people_are_told_apart", VALUES, *MANY),
    fault(
        "expected_money_is_in_proportion_to_money",
        VALUES,
        *(row | {"expected_value_minor": 900} for row in MANY),
    ),
    fault("one_row_per_member", MEMBERS, {}),
    fault("members_are_known_people", MEMBERS, BOB),
    fault("whoever_is_sent_consents", MEMBERS, BOB),
    fault("who_is_withheld_is_not_sent", MEMBERS, {"withheld_because": "no_consent"}),
    fault(
        "who_consents_is_not_withheld_for_consent",
        MEMBERS,
        {"withheld_because": "no_consent"},
    ),
    fault("value_is_a_score", MEMBERS, {"value": 0.125}),
    *(
        fault(f"audience_has_not_{grave}{what}", MEMBERS, *rows)
        for grave in ("", "gravely_")
        for what, rows in (
            ("shrunk", THEN),
            ("grown", [*THEN, *members("2026-03-01", range(30, 130))]),
            ("changed", [*THEN, *members("2026-03-01", range(30, 60))]),
        )
    ),
    *(
        fault(
            f"consent_has_not_{grave}moved",
            MEMBERS,
            *THEN,
            *(
                row | {"sendable": False, "withheld_because": "no_consent"}
                for row in members("2026-03-01", range(30))
            ),
        )
        for grave in ("", "gravely_")
    ),
]
SHOWN_BELOW = {
    # JSON has no word for what is no number
    (MEMBERS, "value_is_a_number"),
    (CHURN, "the_silent_are_likelier_to_leave"),
    (VALUES, "who_paid_more_is_worth_more"),
    *((table, "a_chosen_model_has_scored") for table in (CHURN, VALUES)),
    (STAGED, "events_were_not_lost"),
    (STAGED, "events_are_present"),
    (SESSIONS, "sessions_are_present"),
    (PEOPLE, "people_are_present"),
    (FEATURES, "as_of_is_present"),
    *((STAGED, rule.name) for rule in event_rules()),
}


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> Iterator[Settings]:
    """An endpoint of our own: these tests put tables where dbt would."""
    made = new_settings()
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        for table, columns in TABLES.items():
            client.command(f"create database if not exists {table.split('.')[0]}")
            listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            client.command(
                f"create table {table} ({listed}) engine = MergeTree order by tuple()"
            )
        yield made


@pytest.fixture
def sound(settings: Settings) -> "Iterator[Client]":
    """A client of a warehouse whose every table holds one sound row."""
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


def broken(client: "Client", gate: str, only: str = "") -> set[str]:
    """The rules of a gate whose query finds rows; `only` names those that are asked."""
    return {
        rule.name
        for suite in GATES[gate](DAY)
        for rule in suite.rules
        if only in ("", rule.name)
        and rows(client, rule.query.format(batch=f"(select * from {suite.name}) as s"))
    }


def gates_of(fault: Fault) -> list[str]:
    """The gate a table is judged by; who refused is asked of by features, too."""
    database = fault.table.split(".", maxsplit=1)[0]
    if fault.rule in OF_FEATURES:
        return ["features"]
    named = GATES_OF.get(fault.table) or GATES_OF.get(database)
    return [named or database.removesuffix("_build")]


@pytest.mark.parametrize("gate", list(GATES))
def test_sound_rows_break_nothing(sound: "Client", gate: str) -> None:
    assert broken(sound, gate) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_a_fault_breaks_its_rule(sound: "Client", fault: Fault) -> None:
    insert(sound, fault.table, *fault.rows)

    (gate,) = gates_of(fault)
    assert fault.rule in broken(sound, gate, only=fault.rule)


@pytest.mark.parametrize("gate", list(GATES))
def test_a_finding_in_history_breaks_the_rule_of_its_gate_and_day(
    sound: "Client", gate: str
) -> None:
    (suite,) = (one for one in GATES[gate](DAY) if one.name == "ops.anomalies")
    for rule in suite.rules:
        judge, day = rule.name.rpartition("_")[2], "2026-02-28"
        finding = {"gate": gate, "judge": judge, "severity": rule.severity, "day": day}
        insert(sound, "ops.anomalies", finding | {"as_of": day})
        assert broken(sound, gate, only=rule.name) == set()

        insert(sound, "ops.anomalies", finding | {"as_of": str(DAY)})

        assert broken(sound, gate, only=rule.name) == {rule.name}


def test_every_rule_is_shown_a_fault_somewhere() -> None:
    elsewhere = {
        # a rule of one table that a row of another breaks
        (FEATURES, "everybody_has_an_outcome"): (OUTCOMES, "everybody_has_an_outcome"),
        (PAYMENTS, "whoever_paid_before_the_day_is_scored"): (
            RFM,
            "whoever_paid_before_the_day_is_scored",
        ),
        **{
            (IDENTIFIED, rule): (PEOPLE, rule)
            for rule in (
                f"{purpose}_consent_is_the_last_decision"
                for purpose in ("analytics", "personalisation", "advertising")
            )
        },
        (IDENTIFIED, OF_FEATURES[0]): (FEATURES, OF_FEATURES[0]),
        (STAGED, OF_FEATURES[1]): (FEATURES, OF_FEATURES[1]),
        (SHOWN_FEATURES, "everybody_active_is_scored"): (
            CHURN,
            "everybody_active_is_scored",
        ),
    }
    named = {(fault.table, fault.rule) for fault in FAULTS}
    shown = {elsewhere.get(pair, pair) for pair in named} | SHOWN_BELOW
    rules = {
        (suite.name, rule.name)
        for suites in GATES.values()
        for suite in suites(DAY)
        if suite.name != "ops.anomalies"
        for rule in suite.rules
    }

    assert shown == rules


def test_a_value_that_is_no_number_is_no_order(sound: "Client") -> None:
    sound.command(
        f"insert into {MEMBERS} (as_of, audience, value) values"
        " ('2026-03-01', 'high_value', nan)"
    )

    assert "value_is_a_number" in broken(sound, "audiences")


@pytest.mark.parametrize(
    ("table", "gate", "score", "feature", "rule"),
    [
        (
            *(CHURN, "churn", "churn_probability", "days_since_last_active"),
            "the_silent_are_likelier_to_leave",
        ),
        (
            *(VALUES, "lifetime_value", "expected_value_minor", "revenue_minor_total"),
            "who_paid_more_is_worth_more",
        ),
    ],
)
def test_scores_beside_the_wrong_people_are_seen(  # noqa: PLR0913, PLR0917
    sound: "Client", table: str, gate: str, score: str, feature: str, rule: str
) -> None:
    def scored(rising: int) -> set[str]:
        for name in (table, SHOWN_FEATURES):
            sound.command(f"truncate table {name}")
        people = list(enumerate(row["person_id"] for row in MANY))
        insert(
            sound,
            SHOWN_FEATURES,
            *({"person_id": person, feature: place} for place, person in people),
        )
        insert(
            sound,
            table,
            *(
                {"person_id": person, score: (rising * place) % 60 / 60}
                for place, person in people
            ),
        )
        return broken(sound, gate, only=rule)

    assert scored(rising=1) == set()
    assert scored(rising=-1) == {rule}


@pytest.mark.parametrize(
    ("table", "gate"), [(CHURN, "churn"), (VALUES, "lifetime_value")]
)
def test_a_chosen_model_without_scores_stops(
    sound: "Client", table: str, gate: str
) -> None:
    sound.command(f"truncate table {table}")

    assert "a_chosen_model_has_scored" in broken(sound, gate)


def test_money_without_a_rate_is_counted_by_currency(sound: "Client") -> None:
    unrated = {"reporting_amount_minor": None}
    insert(
        sound,
        PAYMENTS,
        *({"currency": "USD"} | unrated, {"currency": "USD"} | unrated),
        *({"currency": "ann@example.org"} | unrated, {"amount_minor": None} | unrated),
    )
    (rule,) = [
        rule
        for suite in GATES["marts"](DAY)
        for rule in suite.rules
        if rule.name == "money_has_a_rate"
    ]

    found = rows(sound, rule.query.format(batch=f"(select * from {PAYMENTS}) as s"))

    assert sorted(row["sample_key"] for row in found) == [
        "1 in no currency",
        "2 in USD",
    ]


def test_an_unplanned_event_that_was_tagged_is_no_fault(sound: "Client") -> None:
    insert(sound, STAGED, {"event_name": "cat_petted", "tags": TAGGED})

    assert broken(sound, "staging") == set()


@pytest.mark.parametrize("moment", ["1970-01-01 00:00:00", "1950-01-01 00:00:00"])
def test_history_from_before_1971_is_no_fault(sound: "Client", moment: str) -> None:
    insert(sound, STAGED, {"known_at": moment, "imported": True})

    assert "known_at_is_present" not in broken(sound, "staging")


def test_features_of_a_day_before_anybody_was_known_may_be_missing(
    sound: "Client",
) -> None:
    for table in (FEATURES, OUTCOMES, STAGED):
        sound.command(f"truncate table {table}")
    insert(sound, STAGED, {"user_id": "", "anonymous_id": "device"})
    insert(sound, STAGED, {"known_at": "2026-03-01 00:00:00"})

    assert broken(sound, "features") == set()


def test_a_rule_that_cannot_be_judged_is_told_under_its_own_name(
    sound: "Client", settings: Settings
) -> None:
    sound.command(f"alter table {PAID} rename column amount_minor to amount")
    insert(sound, PAID, {"event_id": EVENT}, {"event_id": EVENT})
    try:
        report = inspect("staging", DAY, settings)
    finally:
        sound.command(f"alter table {PAID} rename column amount to amount_minor")

    assert {
        result.expectation: (result.unexpected_rows, bool(result.trouble))
        for result in report.results
        if result.suite == PAID
    } == {"one_row_per_event_id": (1, False), "amount_can_be_read": (0, True)}


def test_an_event_that_breaks_the_taxonomy_untagged_breaks_its_own_rule(
    sound: "Client",
) -> None:
    events = [one for one in load().events.values() if one.properties]
    wrong = [
        {"event_name": one.name, "properties": {next(iter(one.properties)): {}}}
        for one in events
    ]
    as_rows = [row | {"properties": json.dumps(row["properties"])} for row in wrong]
    insert(sound, STAGED, *(row | {"tags": ["type_mismatch"]} for row in as_rows))
    assert broken(sound, "staging") == set()

    insert(sound, STAGED, *as_rows)

    assert broken(sound, "staging") == {rule.name for rule in event_rules()}


@pytest.mark.parametrize(
    ("properties", "is_broken"),
    [
        ({"dice": "1d20", "result": 17}, False),
        ({"dice": "1d20", "result": 17.0}, False),
        ({"dice": "1d20", "result": None}, True),
        ({"dice": "1d20"}, True),
        ({"dice": 20, "result": 17}, True),
        ({"dice": "1d20", "result": 17, "game_session_id": None}, False),
    ],
)
def test_an_event_keeps_types_and_required_properties(
    sound: "Client", properties: dict[str, Any], *, is_broken: bool
) -> None:
    row = {"event_name": "rolled", "properties": json.dumps(properties)}

    insert(sound, STAGED, row)

    assert ("rolled_keeps_the_taxonomy" in broken(sound, "staging")) is is_broken


@pytest.mark.parametrize(
    ("satisfaction", "topic", "is_broken"),
    [(1, "game", False), (5, None, False), (6, "game", True), (1, "cats", True)],
)
def test_an_event_keeps_limits_and_enums(
    sound: "Client", satisfaction: int, topic: str | None, *, is_broken: bool
) -> None:
    closed = {"ticket_id": "t", "satisfaction": satisfaction}
    opened = {"ticket_id": "t", "topic": topic}
    names = ("support_ticket_closed", "support_ticket_opened")

    for name, properties in zip(names, (closed, opened), strict=True):
        row = {"event_name": name, "properties": json.dumps(properties)}
        insert(sound, STAGED, row)

    rules = {f"{name}_keeps_the_taxonomy" for name in names}
    assert bool(rules & broken(sound, "staging")) is is_broken


def test_an_event_exactly_a_day_ahead_of_its_receipt_is_no_fault(
    sound: "Client",
) -> None:
    insert(sound, STAGED, {"occurred_at": "2026-02-02 10:00:00"})

    assert broken(sound, "staging") == set()


def test_a_closed_gate_names_the_rows_and_leaves_its_results(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    with pytest.raises(GateClosed) as closed:
        check("staging", DAY, settings)

    assert f"person_is_present: 1 row, such as {EVENT}" in str(closed.value)
    (kept,) = rows(
        sound,
        "select * from ops.gate_results where not success"
        " and expectation = 'person_is_present' order by checked_at desc limit 1",
    )
    assert kept["gate"] == "staging"
    assert kept["as_of"] == DAY
    assert kept["suite"] == "staging.stg_events"
    assert kept["expectation"] == "person_is_present"
    assert kept["column_name"] == "user_id, anonymous_id"
    assert kept["checked_rows"] == 2
    assert kept["unexpected_rows"] == 1
    assert kept["sample_keys"] == [EVENT]


def test_data_docs_show_the_rule_offline_and_no_login(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    report = inspect("staging", DAY, settings)

    (page,) = report.data_docs.glob("validations/staging/stg_events/**/*.html")
    text = page.read_text()
    assert "Every event belongs to a user or to a device." in text
    assert re.findall(r"(?:src=|url\(|<link [^>]*href=)\W?https?:", text) == []
    assert "<script" not in text
    assert "clickhousedb://" not in text
    assert EVENT in (report.data_docs / "index.html").read_text()


def test_no_value_but_the_key_of_a_bad_row_is_shown(
    sound: "Client", settings: Settings
) -> None:
    secret = {"properties": "{ann@example.org", "event_id": EVENT}
    insert(sound, "staging.stg_events", secret)

    report = inspect("staging", DAY, settings)

    shown = [json.dumps(report.as_json())]
    shown += [page.read_text() for page in report.data_docs.rglob("*.html")]
    assert not any("ann@example.org" in text for text in shown)


def test_a_table_that_was_never_built_closes_the_gate_and_says_what_to_run(
    sound: "Client", settings: Settings
) -> None:
    sound.command("rename table staging.stg_payments to staging.gone")
    try:
        with pytest.raises(GateClosed, match="does not exist; build it with"):
            check("staging", DAY, settings)
    finally:
        sound.command("rename table staging.gone to staging.stg_payments")


def test_a_column_that_is_gone_closes_the_gate_with_the_engines_reason(
    sound: "Client", settings: Settings
) -> None:
    sound.command("alter table staging.stg_payments rename column event_id to id")
    try:
        with pytest.raises(GateClosed, match=r"could not be judged \(UNKNOWN_"):
            check("staging", DAY, settings)
    finally:
        sound.command("alter table staging.stg_payments rename column id to event_id")


def test_an_empty_warehouse_lets_pass_with_a_warning(
    sound: "Client", settings: Settings
) -> None:
    for table in TABLES:
        sound.command(f"truncate table {table}")

    staging, marts = (inspect(gate, DAY, settings) for gate in ("staging", "marts"))

    assert staging.open
    assert [result.expectation for result in staging.warnings] == ["events_are_present"]
    assert marts.stops == ()


def test_staging_that_lost_what_raw_has_is_stopped(sound: "Client") -> None:
    sound.command("truncate table staging.stg_events")
    insert(sound, "raw.events", {"event_id": EVENT, "event_name": "page_viewed"})
    try:
        assert "events_were_not_lost" in broken(sound, "staging")
    finally:
        sound.command("truncate table raw.events")


def test_marts_may_not_be_empty_while_there_are_events(sound: "Client") -> None:
    sound.command("truncate table marts_build.fct_sessions")
    sound.command("truncate table marts_build.dim_people")

    assert {"sessions_are_present", "people_are_present"} <= broken(sound, "marts")


def test_features_of_another_day_are_not_those_of_the_day(sound: "Client") -> None:
    for table in (FEATURES, OUTCOMES):
        sound.command(f"truncate table {table}")
        insert(sound, table, {"as_of": "2026-02-01"})

    assert broken(sound, "features") == {"as_of_is_present"}


def test_a_warehouse_without_its_own_tables_is_told_to_migrate(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> None:
    bare = new_settings()

    with run_endpoint(bare), pytest.raises(MigrationFailed, match="questlog migrate"):
        check("staging", DAY, bare)


def test_a_warehouse_that_is_away_may_be_tried_again(
    new_settings: Callable[[], Settings],
) -> None:
    with pytest.raises(Unavailable, match="No ClickHouse answers"):
        check("staging", DAY, new_settings())


def test_the_command_prints_json_and_ends_with_one_when_closed(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    done = subprocess.run(
        [
            *(sys.executable, "-m", "questlog"),
            *("gate", "staging", "--as-of", "2026-03-01", "--json"),
        ],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["open"] is False
    assert "person_is_present: 1 row" in done.stderr
