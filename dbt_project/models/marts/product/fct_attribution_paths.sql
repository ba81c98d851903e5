{# One row per path of channels: how often it led to a payment, how often to none. #}
{{ config(order_by='path') }}
with

{{ touches_and_payments() }},

paths as (

    {{ ask_attribution_summary('touches', 'conversions') }}

),

columns_named as (

    select
        transformed_path as path,
        conversions,
        non_conversions,
        toInt64(revenue) as revenue_minor

    from paths

)

select * from columns_named
