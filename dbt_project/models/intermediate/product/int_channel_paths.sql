{# One row per payment with a visit before it, and per person who has visits alone. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

{{ touches_and_payments() }},

{{ q_attribution_paths('touches', 'conversions', lookback_days=30) }},

columns_named as (

    select
        person_id,
        conversion_id,
        has_converted,
        toInt64(revenue) as revenue_minor,
        arrayMap(channel -> toLowCardinality(channel), transformed_path) as path,
        ages as ages_ms

    from paths_taken

)

select * from columns_named
