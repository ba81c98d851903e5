{# One row per payment or refund, with the person it belongs to. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(paid_on, event_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

payments as (

    select
        event_id,
        kind,
        payment_id,
        refund_id,
        product,
        plan,
        currency,
        occurred_at,
        known_at,
        amount_minor,
        reporting_currency,
        reporting_amount_minor,
        rate_on

    from {{ ref('int_payments_converted') }}

),

events as (

    select
        event_id,
        person_id,
        {{ session_id("session_key") }} as session_id

    from {{ ref('int_events_sessionized') }}

    where event_name in ('payment_completed', 'payment_refunded')

),

people_joined as (

    select
        payments.event_id as event_id,
        events.person_id as person_id,
        events.session_id as session_id,
        payments.kind as kind,
        payments.payment_id as payment_id,
        payments.refund_id as refund_id,
        payments.product as product,
        payments.plan as plan,
        toDate(payments.occurred_at, {{ reporting_timezone() }}) as paid_on,
        payments.occurred_at as occurred_at,
        payments.known_at as known_at,
        payments.currency as currency,
        payments.amount_minor as amount_minor,
        payments.reporting_currency as reporting_currency,
        payments.reporting_amount_minor as reporting_amount_minor,
        payments.rate_on as rate_on

    from payments
    inner join events on payments.event_id = events.event_id

)

select * from people_joined
