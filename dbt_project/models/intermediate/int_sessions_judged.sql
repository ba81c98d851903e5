{# One row per session of the people this run computes: is it a machine, a runaway? #}
{{ config(materialized='view', settings={}) }}
with

sessions as (

    select
        session_id,
        person_key,
        person_id,
        started_at,
        ended_at,
        duration_ms,
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
        user_agent

    from {{ ref('int_sessions_summed') }}

),

rules as (

    select
        reason,
        user_agent_like,
        counted,
        at_least,
        per_minute_above

    from {{ ref('bot_rules') }}

),

agents_judged as (

    select
        agents.user_agent as judged_agent,
        groupArray(rules.reason) as reasons

    from (select distinct user_agent from sessions) as agents
    cross join rules

    where
        rules.user_agent_like != ''
        and match(lower(agents.user_agent), rules.user_agent_like)

    group by judged_agent

),

rates_judged as (

    select
        *,
        tupleElement(
            arrayFilter(
                rate -> if(rate.2 = 'events', events, page_views) >= rate.3
                and if(rate.2 = 'events', events, page_views) * 60000
                > duration_ms * rate.4,
                (
                    select groupArray((reason, counted, at_least, per_minute_above))
                    from rules
                    where counted != ''
                )
            ),
            1
        ) as rate_reasons

    from sessions

),

reasons_joined as (

    select
        rates_judged.* except (rate_reasons),
        arraySort(arrayConcat(rate_reasons, agents_judged.reasons)) as bot_reasons

    from rates_judged
    left join agents_judged on rates_judged.user_agent = agents_judged.judged_agent

),

numbered as (

    select
        *,
        row_number() over by_person as session_number,
        -- whatever the person began on a day on which they ran away
        toBool(
            (person_id, toDate(started_at, {{ reporting_timezone() }})) in (
                select
                    person_id,
                    runaway_on

                from {{ ref('int_runaway_days') }}
            )
        ) as is_runaway

    from reasons_joined

    window by_person as (
        partition by person_key
        order by started_at
        rows between unbounded preceding and current row
    )

)

select * from numbered
