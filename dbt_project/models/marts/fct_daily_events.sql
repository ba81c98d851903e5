{# One row per reporting day, event name and source. #}
{# the rows lie in the order of the groups: nothing is kept in a table of hashes #}
{{ config(
    order_by='(day, event_name, source)',
    query_settings={'optimize_aggregation_in_order': 1}
) }}
with

people_days as (

    select
        day,
        event_name,
        source,
        events

    from {{ ref('int_people_days') }}

),

days_counted as (

    select
        people_days.day as day,
        people_days.event_name as event_name,
        people_days.source as source,
        sum(people_days.events) as events,
        count() as people

    from people_days

    group by
        day,
        event_name,
        source

)

select * from days_counted
