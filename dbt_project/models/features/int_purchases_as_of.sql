{# One row per as-of day and known person who paid before. #}
{{ config(materialized='table', schema='intermediate', order_by='(as_of, person_id)') }}
with

events as (

    select
        as_of,
        person_id,
        event_id,
        days_ago

    from {{ ref('int_events_as_of') }}

    where event_name in ('payment_completed', 'payment_refunded')

),

payments as (

    select
        event_id,
        kind,
        product,
        reporting_amount_minor

    from {{ ref('int_payments_converted') }}

),

-- one person's purchases of one day are one purchase
purchase_days_summed as (

    select
        events.as_of as as_of,
        events.person_id as person_id,
        events.days_ago as days_ago,
        countIf(payments.kind = 'payment') as payments,
        sum(coalesce(payments.reporting_amount_minor, 0)) as revenue_minor,
        sumIf(
            coalesce(payments.reporting_amount_minor, 0), payments.kind = 'payment'
        ) as purchased_minor,
        sumIf(
            coalesce(payments.reporting_amount_minor, 0),
            payments.kind = 'payment' and payments.product = 'subscription'
        ) as subscription_minor,
        sumIf(
            coalesce(payments.reporting_amount_minor, 0),
            payments.kind = 'payment' and payments.product = 'single'
        ) as single_minor

    from events
    inner join payments on events.event_id = payments.event_id

    where events.days_ago >= 1

    group by
        as_of,
        person_id,
        days_ago

),

purchases_summed as (

    select
        as_of,
        person_id,
        sumIf(payments, days_ago <= 56) as payments_56,
        sumIf(revenue_minor, days_ago <= 56) as revenue_minor_56,
        sumIf(subscription_minor, days_ago <= 56) as subscription_minor_56,
        sumIf(single_minor, days_ago <= 56) as single_minor_56,
        sum(revenue_minor) as revenue_minor_total,
        toUInt32(
            greatest(countIf(purchased_minor > 0), 1) - 1
        ) as purchase_frequency,
        toUInt32(maxIf(days_ago, purchased_minor > 0)) as purchase_age_days,
        toUInt32(
            purchase_age_days - minIf(days_ago, purchased_minor > 0)
        ) as purchase_recency_days,
        avgOrNullIf(purchased_minor, purchased_minor > 0) as purchase_mean_minor

    from purchase_days_summed

    group by
        as_of,
        person_id

)

select * from purchases_summed
