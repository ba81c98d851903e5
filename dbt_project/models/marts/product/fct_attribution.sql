{# One row per attribution model and channel. #}
{{ config(order_by='(model, channel)') }}
with

{{ touches_and_payments() }},

credits as (

    {{ ask_attribution('touches', 'conversions') }}

),

columns_named as (

    select
        model,
        channel,
        conversions,
        revenue as revenue_minor

    from credits

)

select * from columns_named
