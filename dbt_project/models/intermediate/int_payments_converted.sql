{# One row per payment or refund, with its amount in the reporting currency. #}
with

payments as (

    select
        event_id,
        occurred_at,
        known_at,
        kind,
        payment_id,
        refund_id,
        product,
        plan,
        currency,
        amount_minor,
        {{ reporting_currency() }} as reporting_currency,
        toDate(occurred_at, 'UTC') as paid_on_utc

    from {{ ref('stg_payments') }}

),

exchange_rates as (

    select
        rate_on,
        currency,
        minor_units_per_trillion_eur

    from {{ ref('stg_exchange_rates') }}

),

-- the latest rates on or before the payment's own day; zero where there is none
rates_found as (

    select
        payments.* except (currency),
        payments.currency as currency,
        paid.rate_on as paid_rate_on,
        paid.minor_units_per_trillion_eur as paid_rate,
        reported.rate_on as reported_rate_on,
        reported.minor_units_per_trillion_eur as reported_rate

    from payments
    asof left join exchange_rates as paid
        on
            payments.currency = paid.currency
            and payments.paid_on_utc >= paid.rate_on
    asof left join exchange_rates as reported
        on
            payments.reporting_currency = reported.currency
            and payments.paid_on_utc >= reported.rate_on

),

-- whole numbers all the way, so that nothing is lost before the one rounding
amounts_divided as (

    select
        *,
        abs(toInt256(coalesce(amount_minor, 0))) * reported_rate as numerator,
        greatest(paid_rate, toInt256(1)) as denominator,
        -- half away from zero, on amounts without their sign
        intDiv(2 * numerator + denominator, 2 * denominator) as unsigned_minor,
        currency != reporting_currency
        and amount_minor is not null
        and paid_rate > 0
        and reported_rate > 0
        -- what no 64 bits can hold is not reported, and must not stop the build
        and unsigned_minor < toInt256('1000000000000000000') as is_converted

    from rates_found

),

payments_converted as (

    select
        event_id,
        * except (
            event_id,
            paid_on_utc,
            paid_rate_on,
            paid_rate,
            reported_rate_on,
            reported_rate,
            numerator,
            denominator,
            unsigned_minor,
            is_converted
        ),
        multiIf(
            currency = reporting_currency, amount_minor,
            not is_converted, null,
            amount_minor < 0, -toInt64(unsigned_minor),
            toInt64(unsigned_minor)
        ) as reporting_amount_minor,
        multiIf(
            not is_converted, null,
            currency = 'EUR', reported_rate_on,
            reporting_currency = 'EUR', paid_rate_on,
            least(paid_rate_on, reported_rate_on)
        ) as rate_on

    from amounts_divided

)

select * from payments_converted
