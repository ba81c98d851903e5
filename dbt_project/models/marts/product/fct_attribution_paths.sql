{# One row per path of channels: how often it led to a payment, how often to none. #}
{{ config(order_by='path') }}
with

paths_taken as (

    select
        has_converted,
        revenue_minor as revenue,
        path as transformed_path

    from {{ ref('int_channel_paths') }}

),

{{ q_paths_summed() }},

columns_named as (

    select
        arrayStringConcat(channels, ' > ') as path,
        conversions,
        non_conversions,
        revenue as revenue_minor

    from paths_summed

)

select * from columns_named
