{# One row per step and pair of events that followed each other in sessions. #}
{{ config(order_by='(step, from_event, to_event)') }}
with

extent as (

    select max(active_on) as last_day

    from {{ ref('fct_active_days') }}

),

events as (

    select
        person_key,
        session_id,
        event_name,
        rank_time

    from {{ ref('fct_events') }}

    where
        is_engagement
        and toDate(occurred_at, {{ reporting_timezone() }})
        > (select last_day from extent) - 28

),

edges as (

    {{ ask_path_edges(
        'events', anchor=none, max_length=6, unit='session_id', top=10
    ) }}

),

columns_named as (

    select
        step,
        from_event,
        to_event,
        people as sessions

    from edges

)

select * from columns_named
