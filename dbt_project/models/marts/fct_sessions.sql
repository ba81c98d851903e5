{# One row per session. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(started_on, session_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        event_id,
        person_id,
        session_id,
        event_name,
        occurred_at,
        sequence,
        client_session_id,
        properties,
        -- steps of one session in the order of the device
        (occurred_at, sequence, event_id) as step,
        event_name = 'page_viewed' as is_page_view

    from {{ ref('int_events_sessionized') }}

),

sessions_summed as (

    select
        session_id,
        any(person_id) as person_id,
        toDate(min(occurred_at), {{ reporting_timezone() }}) as started_on,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        toUInt64(dateDiff('millisecond', started_at, ended_at)) as duration_ms,
        count() as events,
        countIf(is_page_view) as page_views,
        countIf(event_name = 'game_session_started') as game_sessions,
        countIf(event_name = 'payment_completed') as payments,
        argMin(event_name, step) as entry_event,
        argMax(event_name, step) as exit_event,
        argMinIf(properties, step, is_page_view) as entry_page,
        argMaxIf(properties, step, is_page_view) as exit_page,
        argMinIf(client_session_id, step, client_session_id != '')
            as client_session_id

    from events

    group by session_id

),

-- of all pages only the first and the last are read
pages_read as (

    select
        * except (entry_page, exit_page),
        JSONExtractString(entry_page, 'path') as entry_path,
        JSONExtractString(exit_page, 'path') as exit_path,
        JSONExtractString(entry_page, 'utm_source') as utm_source,
        JSONExtractString(entry_page, 'utm_medium') as utm_medium,
        JSONExtractString(entry_page, 'utm_campaign') as utm_campaign

    from sessions_summed

)

select * from pages_read
