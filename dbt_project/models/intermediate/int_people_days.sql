{# One row per person, reporting day, event name and source. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(day, event_name, source, person_key)',
    pre_hook='{{ forget_touched_people("person_key") }}'
) }}
with

events as (

    select
        person_key,
        event_name,
        source,
        occurred_at

    from {{ ref('int_events_sessionized') }}

),

days_counted as (

    select
        person_key,
        toDate(occurred_at, {{ reporting_timezone() }}) as day,
        event_name,
        source,
        count() as events

    from events

    group by
        person_key,
        day,
        event_name,
        source

)

select * from days_counted
