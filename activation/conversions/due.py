"""Which payments a platform is to be told of: by consent, refunds and the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from activation.consent import ALLOWED
from activation.conversions.values import WON_BACK, Payment, Topic
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AT_RISK = "at_risk"
"""The audience whose members are won back."""

_WON_BACK_DAYS = 30
_REFUNDS = """
select payment_id, currency, toInt64(sum(-ifNull(amount_minor, 0))) as refunded_minor
from marts.fct_payments
where kind = 'refund'
group by currency, payment_id
"""
_WON = f"""
and payments.payment_id in (
    select paid.payment_id
    from marts.fct_payments as paid
    inner join activation.audience_members as members
        on members.person_id = paid.person_id
    where members.audience = '{AT_RISK}'
        and members.as_of < toDate(paid.occurred_at)
        and members.as_of >= toDate(paid.occurred_at) - {_WON_BACK_DAYS}
)
"""
_DUE = f"""
select
    payments.payment_id as payment_id,
    toString(payments.event_id) as event_id,
    payments.person_id as person_id,
    ifNull(toString(people.country), '') as country,
    payments.occurred_at as occurred_at,
    ifNull(payments.amount_minor, 0) - refunds.refunded_minor as net_minor,
    payments.currency as currency,
    if(digits.currency = '', 2, digits.digits) as digits
from marts.fct_payments as payments
inner join marts.dim_people as people on people.person_id = payments.person_id
left join ({_REFUNDS}) as refunds
    on refunds.payment_id = payments.payment_id
    and refunds.currency = payments.currency
left join seeds.currency_digits as digits on digits.currency = payments.currency
where payments.kind = 'payment'
    and payments.occurred_at >= {{since:DateTime64(3)}}
    and payments.occurred_at < {{until:DateTime64(3)}}
    and net_minor > 0
    and payments.person_id in ({ALLOWED})
    and payments.payment_id not in (
        select told.payment_id
        from activation.conversions as told final
        where told.platform = {{platform:String}}
            and told.kind = {{kind:String}}
            and (
                told.state in ('taken', 'sent', 'refused', 'retracted')
                -- it may have been counted, and would now be counted again
                or (told.state = 'sending' and told.version < {{forgotten:UInt64}})
            )
    )
    {{won}}
order by occurred_at, payment_id
limit 1 by payment_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a payment happened, half-open.

    What was being told when a run broke off is told again, unless that was before
    `forgotten`: the platform would count it twice by now.
    """

    since: datetime
    until: datetime
    forgotten: datetime


def due(client: "Client", topic: Topic, span: Span) -> list[Payment]:
    """Payments of a span that were not told yet, and may be."""
    found = rows(
        client,
        _DUE.replace("{won}", _WON if topic.kind == WON_BACK else ""),
        {
            "platform": topic.platform,
            "kind": topic.kind,
            "since": span.since,
            "until": span.until,
            "forgotten": round(span.forgotten.timestamp() * 1_000_000),
        },
    )
    return [_payment(row) for row in found]


def refunded_since(
    client: "Client", topic: Topic, told_before: datetime
) -> list[Payment]:
    """Payments told before a moment of which less is left now than was told."""
    found = rows(
        client,
        f"""
        select
            told.payment_id as payment_id,
            told.event_id as event_id,
            told.person_id as person_id,
            '' as country,
            told.occurred_at as occurred_at,
            greatest(
                ifNull(payments.amount_minor, 0) - refunds.refunded_minor, 0
            ) as net_minor,
            told.currency as currency,
            if(digits.currency = '', 2, digits.digits) as digits
        from (select * from activation.conversions final) as told
        inner join marts.fct_payments as payments
            on payments.payment_id = told.payment_id
        inner join ({_REFUNDS}) as refunds
            on refunds.payment_id = told.payment_id
            and refunds.currency = told.currency
        left join seeds.currency_digits as digits on digits.currency = told.currency
        where payments.kind = 'payment'
            and told.platform = {{platform:String}}
            and told.kind = {{kind:String}}
            and told.state = 'sent'
            and told.version < {{told_before:UInt64}}
            and net_minor < told.amount_minor
        order by payment_id
        limit 1 by payment_id
        """,
        {
            "platform": topic.platform,
            "kind": topic.kind,
            "told_before": round(told_before.timestamp() * 1_000_000),
        },
    )
    return [_payment(row) for row in found]


def _payment(row: dict[str, Any]) -> Payment:
    return Payment(
        payment_id=row["payment_id"],
        event_id=row["event_id"],
        person_id=row["person_id"],
        country=row["country"],
        occurred_at=row["occurred_at"],
        amount_minor=row["net_minor"],
        currency=row["currency"],
        digits=row["digits"],
    )
