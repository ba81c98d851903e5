"""The questions the demo's screen asks; every answer comes from tables."""

from datetime import date
from typing import TYPE_CHECKING, Any

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Row = dict[str, Any]


def door(client: "Client") -> Row:
    """Events sent, accepted, refused by reason, copies removed."""
    counted = rows(
        client,
        """
        select
            (select count() from raw.events) as accepted,
            (select count() from raw.refused_events) as refused,
            (select count() from staging.stg_events) as events_once,
            (select uniqExact(event_id) from intermediate.int_event_id_conflicts)
                as conflicts,
            (select sum(copies) from intermediate.int_event_id_conflicts)
                as conflicting_copies
        """,
    )[0]
    reasons = rows(
        client,
        "select reason, count() as events from raw.refused_events"
        " group by reason order by events desc, reason",
    )
    copies = counted["accepted"] - counted["events_once"]
    return counted | {
        "sent": counted["accepted"] + counted["refused"],
        "duplicates_removed": copies - counted["conflicting_copies"],
        "reasons": {row["reason"]: row["events"] for row in reasons},
    }


def warehouse(client: "Client") -> Row:
    """People, sessions, payments and revenue, as published."""
    counted = rows(
        client,
        """
        select
            (select count() from marts.dim_people) as people,
            (select count() from marts.fct_sessions) as sessions
        """,
    )[0]
    money = rows(
        client,
        """
        select
            currency,
            countIf(kind = 'payment') as payments,
            uniqExactIf(person_id, kind = 'payment') as payers,
            countIf(kind = 'refund') as refunds,
            sum(coalesce(amount_minor, 0)) as revenue_minor,
            any(digits) as minor_digits
        from marts.fct_payments
        left join seeds.currency_digits using (currency)
        group by currency
        order by payments desc, currency
        """,
    )
    return counted | {"money": money, "reported": _reported(client)}


def _reported(client: "Client") -> Row:
    """The same over all currencies, in the reporting currency."""
    return rows(
        client,
        """
        select
            any(reporting_currency) as currency,
            any(digits) as minor_digits,
            countIf(kind = 'payment') as payments,
            uniqExactIf(person_id, kind = 'payment') as payers,
            countIf(kind = 'refund') as refunds,
            sum(coalesce(reporting_amount_minor, 0)) as revenue_minor,
            countIf(reporting_amount_minor is null) as not_counted
        from marts.fct_payments as payments
        left join seeds.currency_digits as known
            on payments.reporting_currency = known.currency
        """,
    )[0]


def funnel(client: "Client") -> list[Row]:
    """The activation funnel, a row a step."""
    return rows(
        client,
        "select step_number, step_name, people from marts.fct_activation_funnel"
        " order by step_number",
    )


def cohorts(client: "Client") -> list[Row]:
    """The weekly retention triangle, a row a cell."""
    return rows(
        client,
        "select cohort_week, weeks_later, people, returned, is_complete"
        " from marts.fct_weekly_retention order by cohort_week, weeks_later",
    )


def gates(client: "Client") -> list[Row]:
    """The last run of each gate."""
    return rows(
        client,
        """
        select
            gate,
            count() as expectations,
            countIf(not success and severity = 'stop') as stops,
            countIf(not success and severity = 'warn') as warnings
        from ops.gate_results
        where (gate, run_id) in (
            select gate, argMax(run_id, checked_at) from ops.gate_results group by gate
        )
        group by gate
        order by min(checked_at)
        """,
    )


def models(client: "Client", as_of: date) -> list[Row]:
    """Each model beside its baseline, judged on the later window."""
    return rows(
        client,
        "select kind, estimator, is_baseline, is_chosen, metrics, refused_because"
        " from ml.models where as_of = {as_of:Date}"
        " order by kind, is_baseline, estimator",
        {"as_of": as_of},
    )


def audiences(client: "Client", as_of: date) -> list[Row]:
    """The last receipt of each audience and platform."""
    return rows(
        client,
        """
        select * from (
            select
                platform, audience, kind, status, fitting, sendable, sent, received,
                invalid, remote_id, detail
            from ops.audience_receipts
            where as_of = {as_of:Date}
            order by pushed_at desc
            limit 1 by platform, audience
        )
        order by kind, audience, platform
        """,
        {"as_of": as_of},
    )
