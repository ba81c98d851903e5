{# One row per as-of day and event of a known person that was known by then. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

as_of_days as (

    select groupArray(as_of) as days_built

    from {{ ref('int_as_of_days') }}

),

passive_events as (

    select event_name

    from {{ ref('passive_events') }}

),

-- whom an event belongs to today is of no account here, and finding it costs memory
events as (

    select
        event_id,
        event_name,
        cast(
            event_name not in (select event_name from passive_events), 'Bool'
        ) as is_engagement,
        user_id,
        anonymous_id,
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

),

devices_named as (

    select
        anonymous_id as device_id,
        user_id as device_user_id,
        days

    from {{ ref('int_devices_as_of') }}

),

-- whom the event belonged to by what was known then
known_by_then as (

    select
        *,
        arrayJoin(arrayFilter(
            day -> known_at < toDateTime64(day, 3, 'UTC'),
            (select days_built from as_of_days)
        )) as as_of,
        user_id as person_id

    from events

    where user_id != ''

    union all

    select
        * except (device_id, device_user_id, days),
        arrayJoin(days) as as_of,
        device_user_id as person_id

    from events
    inner join devices_named on events.anonymous_id = devices_named.device_id

    where
        user_id = ''
        and known_at < toDateTime64(as_of, 3, 'UTC')

),

days_counted as (

    select
        as_of,
        person_id,
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
        country,
        campaign,
        device_type

    from known_by_then

)

select * from days_counted
