{# One row per step and pair of events in sessions of the last 28 days. #}
{{ config(order_by='(step, from_event, to_event)') }}
with

sessions as (

    select
        began_on,
        path

    from {{ ref('int_session_paths') }}

),

extent as (

    select max(began_on) as last_day

    from sessions

),

paths_taken as (

    select path

    from sessions

    where began_on > (select last_day from extent) - 28

),

{{ q_path_moves() }},

{{ q_path_edges(top=10) }},

columns_named as (

    select
        step,
        from_event,
        to_event,
        people as sessions

    from edges_counted

)

select * from columns_named
