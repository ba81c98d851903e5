{# One row per session. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(started_on, session_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

sessions as (

    select
        person_key,
        person_id,
        session_id,
        session_number,
        started_at,
        ended_at,
        duration_ms,
        is_runaway,
        events,
        engagements,
        page_views,
        game_sessions,
        payments,
        entry_event,
        exit_event,
        client_session_id,
        device_type,
        browser,
        os,
        bot_reasons

    from {{ ref('int_sessions_judged') }}

),

sources as (

    select
        session_id,
        entry_path,
        exit_path,
        referrer_host,
        utm_source,
        utm_medium,
        campaign,
        channel

    from {{ ref('fct_session_sources') }}
    {{ of_touched_people('where', written=ref('fct_session_sources')) }}

),

money_summed as (

    select
        session_id,
        sum(coalesce(reporting_amount_minor, 0)) as revenue_minor

    from {{ ref('fct_payments') }}
    {{ of_touched_people('where', written=ref('fct_payments')) }}

    group by session_id

),

sessions_described as (

    select
        sessions.session_id as session_id,
        sessions.person_id as person_id,
        sessions.session_number as session_number,
        toDate(sessions.started_at, {{ reporting_timezone() }}) as started_on,
        sessions.started_at as started_at,
        sessions.ended_at as ended_at,
        sessions.duration_ms as duration_ms,
        sessions.events as events,
        sessions.page_views as page_views,
        sessions.game_sessions as game_sessions,
        sessions.payments as payments,
        toBool(sessions.payments > 0) as is_converted,
        money_summed.revenue_minor as revenue_minor,
        -- one page, and nothing else that the person did
        toBool(sessions.page_views = 1 and sessions.engagements = 1) as is_bounce,
        sessions.entry_event as entry_event,
        sessions.exit_event as exit_event,
        sources.entry_path as entry_path,
        sources.exit_path as exit_path,
        sources.referrer_host as referrer_host,
        sources.utm_source as utm_source,
        sources.utm_medium as utm_medium,
        sources.campaign as utm_campaign,
        if(sources.channel = '', 'unknown', sources.channel) as channel,
        sessions.device_type as device_type,
        sessions.browser as browser,
        sessions.os as os,
        sessions.client_session_id as client_session_id,
        sessions.bot_reasons as bot_reasons,
        toBool(notEmpty(sessions.bot_reasons)) as is_bot,
        sessions.is_runaway as is_runaway

    from sessions
    left join sources on sessions.session_id = sources.session_id
    left join money_summed on sessions.session_id = money_summed.session_id

)

select * from sessions_described
