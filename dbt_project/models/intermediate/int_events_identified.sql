{# One row per event, with the person it belongs to. #}
{{ config(order_by='(person_id, occurred_at, sequence, event_id)') }}
with

events as (

    select
        event_id,
        event_name,
        user_id,
        anonymous_id,
        client_session_id,
        occurred_at,
        known_at,
        sequence,
        source,
        game_id,
        feature_name,
        signup_method,
        plan,
        country

    from {{ ref('stg_events') }}

),

-- who a nameless event belongs to, and while which knowledge lasts
devices as (

    select
        anonymous_id,
        user_id as device_user_id,
        valid_from as device_valid_from,
        valid_to as device_valid_to

    from {{ ref('int_identity_map') }}

),

passive_events as (

    select
        event_name,
        because

    from {{ ref('passive_events') }}

),

devices_named as (

    select *

    from events
    left join devices using (anonymous_id)
    left join passive_events using (event_name)

),

people_named as (

    select
        event_id,
        multiIf(
            user_id != '', user_id,
            device_user_id != '' and device_valid_to is null, device_user_id,
            concat('anon:', anonymous_id)
        ) as person_id,
        event_name,
        toBool(because = '') as is_engagement,
        user_id,
        anonymous_id,
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
        device_user_id,
        device_valid_from,
        device_valid_to

    from devices_named

)

select * from people_named
