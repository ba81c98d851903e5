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


def concerns(client: "Client") -> Row:
    """What the world is rich in: devices, wrong clocks, crawlers, minds changed."""
    return rows(
        client,
        """
        select
            (
                select count()
                from (
                    select person_id
                    from intermediate.int_events_identified
                    where user_id != '' and anonymous_id != ''
                    group by person_id
                    having uniqExact(anonymous_id) > 1
                )
            ) as people_on_several_devices,
            (
                select countIf(clock_offset_source = 'sent_at')
                from staging.stg_events
            ) as clocks_corrected,
            (
                select
                    countIf(
                        multiSearchAnyCaseInsensitive(
                            JSONExtractString(context, 'user_agent'),
                            ['bot', 'crawler', 'spider']
                        )
                    )
                from staging.stg_events
            ) as events_of_crawlers
        """,
    )[0]


def withdrawals(client: "Client") -> dict[str, int]:
    """People who allowed a purpose and denied it later, by purpose."""
    found = rows(
        client,
        """
        select purpose, count() as people
        from (
            select person_id, purpose
            from staging.stg_consents as consents
            inner join intermediate.int_events_identified as events
                on consents.event_id = events.event_id
            group by person_id, purpose
            having
                countIf(granted) > 0
                and countIf(not granted) > 0
                and minIf((events.occurred_at, events.sequence, event_id), granted)
                < maxIf((events.occurred_at, events.sequence, event_id), not granted)
        )
        group by purpose
        order by purpose
        """,
    )
    return {row["purpose"]: row["people"] for row in found}


def campaigns(client: "Client") -> list[Row]:
    """Sessions by the campaign of their first page view, most first."""
    return rows(
        client,
        "select if(utm_campaign = '', 'none', utm_campaign) as campaign,"
        " count() as sessions from marts.fct_sessions"
        " group by campaign order by sessions desc, campaign",
    )


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
