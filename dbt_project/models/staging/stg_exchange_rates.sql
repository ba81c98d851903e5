{# One row per currency of known digits and day from which a rate holds. #}
with

exchange_rates as (

    select
        rate_on,
        currency,
        units_per_eur

    from {{ ref('exchange_rates') }}

    where currency != 'EUR'

),

currency_digits as (

    select
        currency,
        digits

    from {{ ref('currency_digits') }}

),

-- one euro is one euro by definition, on every day
euro_added as (

    select * from exchange_rates

    union all

    select
        toDate('1970-01-01') as rate_on,
        'EUR' as currency,
        toDecimal128('1', 12) as units_per_eur

),

-- twelve decimals of a rate and a trillion euros: a whole number, whatever the rate
made_whole as (

    select
        euro_added.rate_on as rate_on,
        euro_added.currency as currency,
        euro_added.units_per_eur as units_per_eur,
        toInt256(euro_added.units_per_eur * toDecimal256('1000000000000', 0))
        * toInt256(intExp10(currency_digits.digits)) as minor_units_per_trillion_eur

    from euro_added
    inner join currency_digits on euro_added.currency = currency_digits.currency

)

select * from made_whole
