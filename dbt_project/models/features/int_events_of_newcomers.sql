{# One row per event of a newcomer that happened and was known by their moment. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

newcomers as (

    select
        person_id,
        first_known_at,
        as_of_moment

    from {{ ref('int_newcomers') }}

),

passive_events as (

    select event_name

    from {{ ref('passive_events') }}

),

events as (

    select
        event_id,
        event_name,
        cast(
            event_name not in (select event_name from passive_events), 'Bool'
        ) as is_engagement,
        user_id,
        occurred_at,
        known_at,
        sequence,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        campaign,
        device_type

    from {{ ref('stg_events') }}

    where user_id != ''

),

known_by_then as (

    select
        newcomers.*,
        events.* except (user_id, known_at)

    from events
    inner join newcomers on events.user_id = newcomers.person_id

    where
        events.known_at < newcomers.as_of_moment
        and events.occurred_at < newcomers.as_of_moment

)

select * from known_by_then
