{# One row per payment or refund. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(own_key, event_id)',
    pre_hook='{{ forget_new_events() }}'
) }}
-- depends_on: {{ ref('stg_changes') }}
with

money_events as (

    select
        event_id,
        own_key,
        event_name,
        user_id,
        anonymous_id,
        occurred_at,
        known_at,
        plan,
        properties

    from {{ ref('stg_events') }}

    where event_name in ('payment_completed', 'payment_refunded')
    {{ of_new_events('and') }}

),

currency_digits as (

    select
        currency,
        digits

    from {{ ref('currency_digits') }}

),

amounts_read as (

    select
        *,
        event_name = 'payment_refunded' as is_refund,
        JSONExtractString(properties, 'payment_id') as payment_id,
        JSONExtractString(properties, 'refund_id') as refund_id,
        JSONExtractString(properties, 'product') as product,
        upper(JSONExtractString(properties, 'currency')) as currency,
        -- as text and then as decimals: money never passes through a float
        toDecimal128OrNull(
            trim(both '"' from JSONExtractRaw(properties, 'amount_cents')), 10
        ) as in_minor_units,
        toDecimal128OrNull(
            trim(both '"' from JSONExtractRaw(properties, 'amount')), 10
        ) as in_major_units

    from money_events

),

units_made_minor as (

    select
        amounts_read.*,
        round(
            coalesce(
                toDecimal256(amounts_read.in_minor_units, 10),
                -- without known digits a major unit says nothing: null
                toDecimal256(amounts_read.in_major_units, 10)
                * toDecimal256(
                    if(
                        currency_digits.currency = '',
                        null,
                        intExp10(currency_digits.digits)
                    ),
                    0
                )
            )
        ) as exact_minor

    from amounts_read
    left join currency_digits on amounts_read.currency = currency_digits.currency

),

signed as (

    select
        event_id,
        own_key,
        user_id,
        anonymous_id,
        occurred_at,
        known_at,
        if(is_refund, 'refund', 'payment') as kind,
        payment_id,
        refund_id,
        product,
        plan,
        currency,
        -- what no 64 bits can hold is unreadable, and must not stop the build
        coalesce(abs(exact_minor) < 1e18, false) as is_readable,
        toInt64(if(is_readable, assumeNotNull(exact_minor), 0)) as whole_minor,
        if(
            is_readable,
            if(is_refund, -abs(whole_minor), whole_minor),
            null
        ) as amount_minor

    from units_made_minor

)

select * except (is_readable, whole_minor) from signed
