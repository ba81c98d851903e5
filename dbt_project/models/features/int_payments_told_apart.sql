{# One row per payment or refund, with whether it is of a subscription. #}
{{ config(materialized='table', schema='intermediate', order_by='event_id') }}
with

payments as (

    select
        event_id,
        kind,
        payment_id,
        product,
        reporting_amount_minor

    from {{ ref('int_payments_converted') }}

),

subscriptions_refunded as (

    select payment_id

    from payments

    where payment_id != ''

    group by payment_id

    having
        countIf(kind = 'payment' and product = 'subscription') > 0
        and countIf(kind = 'refund') > 0

),

-- a refund is of what its payment was for, whenever that was
told_apart as (

    select
        event_id,
        kind,
        reporting_amount_minor,
        product = 'subscription'
        or (
            kind = 'refund'
            and payment_id in (
                select subscriptions_refunded.payment_id from subscriptions_refunded
            )
        ) as is_subscription

    from payments

)

select * from told_apart
