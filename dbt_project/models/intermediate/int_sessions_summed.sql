{# One row per session of the people this run computes, from its events alone. #}
{{ config(settings=written_for_one_run()) }}
with

events as (

    select
        person_key,
        person_id,
        session_key,
        event_name,
        occurred_at,
        rank_time,
        client_session_id,
        is_engagement,
        (device_type, browser, os, user_agent) as device,
        device != ('', '', '', '') as names_device

    from {{ ref('int_events_sessionized') }}

),

sessions_summed as (

    select
        {{ session_id("session_key") }} as session_id,
        any(person_key) as person_key,
        any(person_id) as person_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        toUInt64(dateDiff('millisecond', started_at, ended_at)) as duration_ms,
        count() as events,
        countIf(is_engagement) as engagements,
        countIf(event_name = 'page_viewed') as page_views,
        countIf(event_name = 'game_session_started') as game_sessions,
        countIf(event_name = 'payment_completed') as payments,
        argMin(event_name, rank_time) as entry_event,
        argMax(event_name, rank_time) as exit_event,
        argMinIf(client_session_id, rank_time, client_session_id != '')
            as client_session_id,
        argMinIf(device, rank_time, names_device) as device

    from events

    group by session_key

),

devices_named as (

    select
        * except (device),
        toLowCardinality(device.1) as device_type,
        toLowCardinality(device.2) as browser,
        toLowCardinality(device.3) as os,
        toLowCardinality(device.4) as user_agent

    from sessions_summed

)

select * from devices_named
