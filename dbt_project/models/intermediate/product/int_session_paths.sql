{# One row per session with an event of engagement: the first six of these. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(began_on, person_key)',
    pre_hook='{{ forget_touched_people("person_key") }}'
) }}
with

events as (

    select
        person_key,
        session_key as session_id,
        event_name,
        occurred_at,
        rank_time

    from {{ ref('int_events_sessionized') }}

    where is_engagement

),

{{ q_paths_taken(
    'events',
    anchor=none,
    max_length=6,
    unit='session_id',
    also=['any(person_key) as person_key', 'min(occurred_at) as began_at']
) }},

columns_named as (

    select
        person_key,
        toDate(began_at, {{ reporting_timezone() }}) as began_on,
        arrayMap(name -> toLowCardinality(name), path) as path

    from paths_taken

)

select * from columns_named
