{# One row per person, feature and week in which they used it. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(feature, period_number, person_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        person_id as person_key,
        event_name,
        -- as days of reports, so that weeks are theirs
        toDateTime64(
            toDate(occurred_at, {{ reporting_timezone() }}), 3, 'UTC'
        ) as occurred_at,
        properties

    from {{ ref('fct_events') }}

    where
        event_name = 'feature_used'
    {{ of_touched_people('and', written=ref('fct_events')) }}

),

{{ q_feature_uses('events', 'feature_used', 'feature_name', 'week') }},

columns_named as (

    select
        person_key as person_id,
        toLowCardinality(feature) as feature,
        period_number,
        uses,
        is_first

    from firsts_marked

)

select * from columns_named
