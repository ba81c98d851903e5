{# One row per person and reporting day with an event of engagement. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(active_on, person_key)',
    pre_hook='{{ forget_touched_people("person_key") }}'
) }}
with

events as (

    select
        person_key,
        person_id,
        occurred_at

    from {{ ref('int_events_sessionized') }}

    where is_engagement

),

days_counted as (

    select
        toDate(occurred_at, {{ reporting_timezone() }}) as active_on,
        person_key,
        any(person_id) as person_id,
        count() as events

    from events

    group by
        active_on,
        person_key

)

select * from days_counted
