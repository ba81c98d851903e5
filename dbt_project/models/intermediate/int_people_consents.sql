{# One row per person who decided about a purpose. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

consents as (

    select
        event_id,
        purpose,
        granted

    from {{ ref('stg_consents') }}

),

events as (

    select
        event_id,
        person_id,
        occurred_at,
        sequence

    from {{ ref('int_events_sessionized') }}

    where event_name = 'consent_decided'

),

decisions_kept as (

    select
        events.person_id as person_id,
        consents.purpose as purpose,
        -- the latest decision; of two in one moment the refusal
        argMax(
            consents.granted,
            (events.occurred_at, events.sequence, not consents.granted)
        ) as granted

    from consents
    inner join events on consents.event_id = events.event_id

    group by
        person_id,
        purpose

),

purposes_turned as (

    select
        person_id,
        anyIfOrNull(granted, purpose = 'analytics') as analytics,
        anyIfOrNull(granted, purpose = 'personalisation') as personalisation,
        anyIfOrNull(granted, purpose = 'advertising') as advertising

    from decisions_kept

    group by person_id

)

select * from purposes_turned
