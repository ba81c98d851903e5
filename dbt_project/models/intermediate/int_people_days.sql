{# One row per person, reporting day, event name and source. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(day, event_name, source, person_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        person_id,
        event_name,
        source,
        occurred_at

    from {{ ref('int_events_sessionized') }}

),

days_counted as (

    select
        person_id,
        toDate(occurred_at, {{ reporting_timezone() }}) as day,
        event_name,
        source,
        count() as events

    from events

    group by
        person_id,
        day,
        event_name,
        source

)

select * from days_counted
