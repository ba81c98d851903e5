{# One row per session. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(started_on, session_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
-- depends_on: {{ ref('int_touched_ids') }}
with

events as (

    select
        event_id,
        person_id,
        session_id,
        event_name,
        occurred_at,
        sequence,
        client_session_id

    from {{ ref('int_events_sessionized') }}

),

page_views as (

    select
        event_id,
        path,
        utm_source,
        utm_medium,
        utm_campaign

    from {{ ref('stg_page_views') }}
    {% if not builds_whole() %}
        where own_key in (select own_key from {{ ref('int_touched_ids') }})
    {% endif %}

),

pages_joined as (

    select
        events.*,
        -- steps of one session in the order of the device
        (events.occurred_at, events.sequence, events.event_id) as step,
        events.event_name = 'page_viewed' as is_page_view,
        page_views.path as path,
        page_views.utm_source as utm_source,
        page_views.utm_medium as utm_medium,
        page_views.utm_campaign as utm_campaign

    from events
    left join page_views on events.event_id = page_views.event_id

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
        argMinIf(path, step, is_page_view) as entry_path,
        argMaxIf(path, step, is_page_view) as exit_path,
        argMinIf(utm_source, step, is_page_view) as utm_source,
        argMinIf(utm_medium, step, is_page_view) as utm_medium,
        argMinIf(utm_campaign, step, is_page_view) as utm_campaign,
        argMinIf(client_session_id, step, client_session_id != '')
            as client_session_id

    from pages_joined

    group by session_id

)

select * from sessions_summed
