{# One row per event, with the person it belongs to. #}
{{ config(materialized='view', settings={}) }}
with

events as (

    select
        event_id,
        event_name,
        user_id,
        anonymous_id,
        own_id,
        own_key,
        client_session_id,
        occurred_at,
        known_at,
        sequence,
        source,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        device_type,
        browser,
        os,
        user_agent,
        properties,
        user_properties

    from {{ ref('stg_events') }}

),

-- who an id is by what is known today
ids as (

    select
        own_id as known_id,
        person_id as known_person_id

    from {{ ref('int_people_of_ids') }}

),

passive_events as (

    select event_name

    from {{ ref('passive_events') }}

),

people_named as (

    select
        * except (known_id, known_person_id),
        if(known_id = '', own_id, known_person_id) as person_id,
        cast(
            event_name not in (select event_name from passive_events), 'Bool'
        ) as is_engagement

    from events
    left join ids on events.own_id = ids.known_id

)

select * from people_named
