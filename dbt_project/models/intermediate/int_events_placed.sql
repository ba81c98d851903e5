{# One row per event of the people this run computes, with its session and place. #}
{{ config(materialized='view', settings={}) }}
-- depends_on: {{ ref('int_events_touched') }}
with

events as (

    select
        event_id,
        sipHash64(person_id) as person_key,
        person_id,
        user_id,
        event_name,
        occurred_at,
        sequence,
        source,
        client_session_id,
        is_engagement,
        signup_method,
        plan,
        country,
        device_type,
        browser,
        os,
        user_agent,
        properties

    from {{ events_to_compute() }}

),

openings as (

    select
        person_key,
        occurred_at as opened_at,
        session_key

    from {{ ref('int_session_marks') }}

    where is_opening

),

ties as (

    select
        event_id as tied_event_id,
        place

    from {{ ref('int_session_marks') }}

    where place > 0

),

-- the session of an event is the last its person opened: no wide row is sorted for it
sessions_found as (

    select
        events.*,
        openings.session_key as session_key

    from events
    asof left join openings
        on
            events.person_key = openings.person_key
            and events.occurred_at >= openings.opened_at

),

places_found as (

    select
        sessions_found.*,
        -- two events of one person never share a rank: B before A within one
        -- millisecond stays before it
        toUInt64(
            greatest(toUnixTimestamp64Milli(occurred_at), 0) * 65536
            + least(ties.place, 65535)
        ) as rank_time

    from sessions_found
    left any join ties on sessions_found.event_id = ties.tied_event_id

)

select * from places_found
