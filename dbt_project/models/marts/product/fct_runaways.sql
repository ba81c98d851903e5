{# One row per person and reporting day in quarantine: a session passed 24 hours. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(runaway_on, person_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

runaway_days as (

    select
        person_id,
        runaway_on,
        runaway_sessions,
        runaway_events

    from {{ ref('int_runaway_days') }}

)

select * from runaway_days
