{# One row per reporting day, event name and source. #}
{{ config(order_by='(day, event_name, source)') }}
with

events as (

    select
        person_id,
        event_name,
        source,
        occurred_at

    from {{ ref('int_events_identified') }}

),

days_counted as (

    select
        toDate(occurred_at, {{ reporting_timezone() }}) as day,
        event_name,
        source,
        count() as events,
        uniqExact(person_id) as people

    from events

    group by
        day,
        event_name,
        source

)

select * from days_counted
