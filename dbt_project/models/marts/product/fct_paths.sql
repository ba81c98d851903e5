{# One row per step and pair of events that followed each other in sessions. #}
{{ config(order_by='(step, from_event, to_event)') }}
with

moves_counted as (

    select
        step,
        from_event,
        to_event,
        people

    from {{ ref('int_path_moves') }}

),

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
