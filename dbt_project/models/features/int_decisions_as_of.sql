{# One row per as-of day and person who had decided on analytics by then. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

events as (

    select
        as_of,
        person_id,
        event_id,
        occurred_at,
        sequence

    from {{ ref('int_events_as_of') }}

),

consents as (

    select
        event_id,
        granted

    from {{ ref('stg_consents') }}

    where purpose = 'analytics'

),

-- decisions are few: what else there is goes before the join, not after it
decisions_told as (

    select
        as_of,
        person_id,
        event_id,
        occurred_at,
        sequence

    from events

    where event_id in (select event_id from consents)

),

-- the latest decision known then; of two at one moment the refusal
decisions_found as (

    select
        as_of,
        person_id,
        argMax(
            consents.granted,
            (occurred_at, sequence, not consents.granted)
        ) as granted

    from decisions_told
    inner join consents on decisions_told.event_id = consents.event_id

    group by
        as_of,
        person_id

)

select * from decisions_found
