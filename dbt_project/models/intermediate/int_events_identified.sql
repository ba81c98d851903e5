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

identity_map as (

    select
        anonymous_id,
        user_id,
        valid_from,
        valid_to

    from {{ ref('int_identity_map') }}

),

passive_events as (

    select event_name

    from {{ ref('passive_events') }}

),

devices_named as (

    select
        events.*,
        -- who a nameless event belongs to, and while which knowledge lasts
        identity_map.user_id as device_user_id,
        identity_map.valid_from as device_valid_from,
        identity_map.valid_to as device_valid_to

    from events
    left join identity_map on events.anonymous_id = identity_map.anonymous_id

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
        event_name not in (select event_name from passive_events) as is_engagement,
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
