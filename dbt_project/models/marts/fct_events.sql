{# One row per event, as questions read it. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(event_name, person_key, rank_time)',
    pre_hook='{{ forget_touched_people("person_key") }}'
) }}
with

events as (

    select
        toLowCardinality(event_name) as event_name,
        person_key,
        rank_time,
        occurred_at,
        person_id,
        {{ session_id("session_key") }} as session_id,
        event_id,
        source,
        is_engagement,
        properties

    from {{ ref('int_events_placed') }}

)

select * from events
