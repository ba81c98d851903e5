{# One row per as-of day and event of a known person that was known by then. #}
{{ config(materialized='view', schema='intermediate') }}
with

as_of_days as (

    select
        as_of,
        toDateTime64(as_of, 3, 'UTC') as as_of_moment

    from {{ ref('int_as_of_days') }}

),

events as (

    select
        event_id,
        event_name,
        is_engagement,
        user_id,
        occurred_at,
        known_at,
        sequence,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        device_user_id,
        device_valid_from,
        device_valid_to

    from {{ ref('int_events_identified') }}

),

known_by_then as (

    select
        as_of_days.as_of as as_of,
        -- whom the event belonged to by what was known then
        multiIf(
            user_id != '', user_id,
            device_valid_from < as_of_moment
            and (device_valid_to is null or as_of_moment <= device_valid_to),
            device_user_id,
            ''
        ) as person_id,
        event_id,
        event_name,
        is_engagement,
        occurred_at,
        -- full days from the event's UTC day to the as-of day: 1 is the day before
        dateDiff('day', toDate(occurred_at, 'UTC'), as_of) as days_ago,
        sequence,
        game_id,
        feature_name,
        signup_method,
        plan,
        country

    from events
    cross join as_of_days

    where
        events.known_at < as_of_days.as_of_moment
        and person_id != ''

)

select * from known_by_then
