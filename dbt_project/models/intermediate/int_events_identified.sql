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
        country,
        properties

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

links as (

    select
        id as linked_id,
        person_id as linked_person_id

    from {{ ref('int_identity_links') }}

),

people_named as (

    select
        event_id,
        multiIf(
            user_id != '', user_id,
            device_user_id != '' and device_valid_to is null, device_user_id,
            concat('anon:', anonymous_id)
        ) as own_person_id,
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
        properties,
        device_user_id,
        device_valid_from,
        device_valid_to

    from events
    left join devices using (anonymous_id)
    left join passive_events using (event_name)

),

people_linked as (

    select
        people_named.* except (own_person_id),
        if(
            links.linked_id = '', people_named.own_person_id, links.linked_person_id
        ) as person_id

    from people_named
    left join links on people_named.own_person_id = links.linked_id

)

select * from people_linked
