"""Rows that break the rules of gates: one fault at least for each rule."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from expectations.gates import GATES
from expectations.taxonomy import event_rules
from tests.integration.gates.warehouse import (
    ATTRIBUTION,
    CHURN,
    CONSENT_EVENT,
    DAY,
    DAYS,
    EARLY,
    EVENT,
    EVENTS,
    FEATURES,
    FUNNEL,
    GAMES,
    IDENTIFIED,
    LIFECYCLE,
    MANY,
    MEMBERS,
    NEWCOMERS,
    OUTCOMES,
    PAGES,
    PAID,
    PAYMENTS,
    PEOPLE,
    RETENTION,
    RFM,
    SESSIONS,
    SHOWN_FEATURES,
    STAGED,
    TAGGED,
    THEN,
    VALUES,
    members,
)
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Fault:
    """Rows that break one rule; what they don't name is as in a sound row."""

    rule: str
    table: str
    rows: tuple[dict[str, Any], ...]


def fault(rule: str, table: str, *rows: dict[str, Any]) -> Fault:
    return Fault(rule, table, rows)


OF_FEATURES = (
    "who_refused_analytics_has_no_features",
    "everybody_known_has_features",
)
"""Rules of features that rows of other tables break."""

GATES_OF = {
    "intermediate": "marts",
    CHURN: "churn",
    EARLY: "early_churn",
    NEWCOMERS: "early_churn",
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
    fault("payments_are_not_negative", PAID, {"amount_minor": -499}),
    fault("every_event_has_its_person", IDENTIFIED, {}),
    fault("one_row_per_event_id", IDENTIFIED, {"event_id": EVENT}, {"event_id": EVENT}),
    fault(
        "start_is_not_after_end", SESSIONS, {"started_at": "2026-02-01 10:30:00.001"}
    ),
    fault("duration_is_from_start_to_end", SESSIONS, {"duration_ms": 5}),
    fault(
        "session_is_at_most_a_day", SESSIONS, {"ended_at": "2026-02-02 10:00:00.001"}
    ),
    fault("a_bot_is_told_with_reasons", SESSIONS, {"is_bot": True}),
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
    fault("events_are_those_that_were_identified", EVENTS, {"event_name": "rolled"}),
    fault("one_row_per_event_id", EVENTS, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("events_of_sessions_are_all_events", SESSIONS, {}),
    fault("revenue_of_sessions_is_all_revenue", SESSIONS, {}),
    fault("payments_are_of_their_day", PAYMENTS, {"paid_on": "2026-02-03"}),
    fault("payments_are_of_their_day", PAYMENTS, {"occurred_at": "2026-02-01 11:00"}),
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
    *(
        fault("people_are_seen_from_first_to_last_session", PEOPLE, {moment: at})
        for moment, at in (
            ("first_seen_at", "2026-02-01 10:01:00"),
            ("last_seen_at", "2026-02-01 10:31:00"),
        )
    ),
    fault("country_is_one_they_named", PEOPLE, {"country": "US"}),
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
            ("daily_human_sessions_are_all_of_them", "human_sessions"),
            ("daily_people_are_those_of_the_lifecycle", "active_people"),
        )
    ),
    fault("one_row_per_event_id", GAMES, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("start_is_not_after_end", GAMES, {"ended_at": "2026-02-01 09:00:00"}),
    fault("every_start_is_there", GAMES, {}),
    fault("one_row_per_event_id", PAGES, {"event_id": EVENT}, {"event_id": EVENT}),
    fault("every_page_view_is_there", PAGES, {}),
    fault(
        "activity_agrees_with_the_events",
        FEATURES,
        *({"person_id": f"p{place}", "events_28": 9} for place in range(5)),
    ),
    fault(
        "money_agrees_with_the_payments",
        FEATURES,
        *({"person_id": f"p{place}", "revenue_minor_total": 9} for place in range(5)),
    ),
    fault(
        "who_refused_analytics_has_no_features",
        IDENTIFIED,
        {"event_id": f"{CONSENT_EVENT}0", "event_name": "consent_decided"},
    ),
    *(
        fault(
            "scores_are_of_the_day",
            table,
            *(
                {"person_id": f"p{place}", "as_of": day, score: place / 100}
                for place in range(60)
                for day in ("2026-02-28", "2026-03-01")
            ),
        )
        for table, score in (
            (CHURN, "churn_probability"),
            (VALUES, "expected_value_minor"),
        )
    ),
    fault("one_row_per_person", CHURN, {}),
    fault("whoever_is_scored_has_features", CHURN, BOB),
    fault("model_is_known", CHURN, {"model_id": "another"}),
    fault("chance_is_a_chance", CHURN, {"churn_probability": 1.01}),
    fault("people_are_told_apart", CHURN, *MANY),
    fault("everybody_active_is_scored", SHOWN_FEATURES, BOB),
    fault("one_row_per_person", EARLY, {}),
    fault("whoever_is_scored_has_features", EARLY, BOB),
    fault("model_is_known", EARLY, {"model_id": "another"}),
    fault("chance_is_a_chance", EARLY, {"churn_probability": -0.01}),
    fault("people_are_told_apart", EARLY, *MANY),
    fault("every_newcomer_of_the_week_is_scored", NEWCOMERS, BOB),
    fault("one_row_per_person", VALUES, {}),
    fault("whoever_is_scored_has_features", VALUES, BOB),
    fault("model_is_known", VALUES, {"model_id": "another"}),
    fault("values_are_amounts", VALUES, {"expected_value_minor": -1}),
    fault(
        "two_sums_make_the_value",
        VALUES,
        {"subscription_value_minor": 400, "single_value_minor": 98},
    ),
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
    *((table, "a_chosen_model_has_scored") for table in (CHURN, EARLY, VALUES)),
    (STAGED, "events_were_not_lost"),
    (STAGED, "events_are_present"),
    (SESSIONS, "sessions_are_present"),
    (PEOPLE, "people_are_present"),
    (FEATURES, "as_of_is_present"),
    *((STAGED, rule.name) for rule in event_rules()),
}


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
