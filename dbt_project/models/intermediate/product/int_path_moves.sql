{# One row per step and pair of events in sessions of the last 28 days. #}
{{ config(order_by='(step, from_event, to_event)') }}
with

extent as (

    select max(active_on) as last_day

    from {{ ref('fct_active_days') }}

),

events as (

    select
        session_id,
        event_name,
        rank_time

    from {{ ref('fct_events') }}

    where
        is_engagement
        and toDate(occurred_at, {{ reporting_timezone() }})
        > (select last_day from extent) - 28

),

{{ q_paths_taken('events', anchor=none, max_length=6, unit='session_id') }},

{{ q_path_moves() }}

select * from moves_counted
