{# One row per attribution model and channel. #}
{{ config(order_by='(model, channel)') }}
with

paths_taken as (

    select
        has_converted,
        revenue_minor as revenue,
        path as transformed_path,
        ages_ms as ages

    from {{ ref('int_channel_paths') }}

),

{{ q_credits(half_life_days=7) }},

columns_named as (

    select
        model,
        channel,
        conversions,
        revenue as revenue_minor

    from credits_joined

)

select * from columns_named
