{# One row per user: what they did by their own moment. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

events as (

    select
        person_id,
        as_of_moment,
        event_id,
        event_name,
        is_engagement,
        occurred_at,
        sequence,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        campaign,
        device_type

    from {{ ref('int_events_of_newcomers') }}

),

events_placed as (

    select
        *,
        toUnixTimestamp64Milli(as_of_moment)
        - toUnixTimestamp64Milli(occurred_at) as ago_ms,
        toUInt8(
            least(intDiv(ago_ms, 86400000), {{ var('newcomer_observed_days') }} - 1)
        ) as day_ago,
        (occurred_at, sequence, event_id) as step

    from events

),

activity_summed as (

    select
        person_id,
        any(as_of_moment) as as_of_moment,
        -- who did nothing of their own is as silent as can be
        coalesce(
            minOrNullIf(ago_ms, is_engagement) / 86400000,
            {{ var('newcomer_observed_days') }}
        ) as days_since_last_active,
        countIf(is_engagement) as events,
        uniqExactIf(day_ago, is_engagement) as active_days,
        countIf(
            is_engagement and day_ago = {{ var('newcomer_observed_days') }} - 1
        ) as events_first_day,
        countIf(is_engagement and day_ago = 0) as events_last_day,
        arraySort(groupArray(ago_ms)) as moments,
        toUInt64(1 + arrayCount(
            (ago, later) -> ago - later > {{ var('session_silence_ms') }},
            arrayPopFront(moments),
            arrayPopBack(moments)
        )) as sessions,
        countIf(event_name = 'game_session_started') as game_sessions,
        countIf(event_name = 'rolled') as rolls,
        countIf(event_name = 'user_logged_in') as logins,
        uniqExactIf(feature_name, feature_name != '') as distinct_features,
        uniqExactIf(game_id, game_id != '') as distinct_games,
        countIf(event_name = 'support_ticket_opened') as support_tickets,
        argMaxIf(plan, step, plan != '') as plan,
        argMaxIf(country, step, country != '') as country,
        argMaxIf(signup_method, step, signup_method != '') as signup_method,
        argMaxIf(device_type, step, device_type != '') as device_type,
        argMinIf(campaign, step, campaign != '') as first_campaign

    from events_placed

    group by person_id

)

select * except (moments) from activity_summed
