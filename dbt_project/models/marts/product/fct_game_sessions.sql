{# One row per seat taken: a person's time at one table. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(started_on, event_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        event_id,
        event_name,
        person_id,
        person_key,
        session_id,
        occurred_at,
        rank_time,
        JSONExtract(
            properties, 'Tuple(game_session_id String, game_id String, role String)'
        ) as seat,
        tupleElement(seat, 'game_session_id') as game_session_id,
        tupleElement(seat, 'game_id') as game_id,
        tupleElement(seat, 'role') as role

    from {{ ref('fct_events') }}

    where
        event_name in ('game_session_started', 'game_session_ended')
    {{ of_touched_people('and', 'person_key', written=ref('fct_events')) }}

),

sessions as (

    select
        session_id,
        ended_at as visit_ended_at

    from {{ ref('fct_sessions') }}
    {{ of_touched_people('where', written=ref('fct_sessions')) }}

),

followers_found as (

    select
        *,
        -- the same person's next sitting down or leaving at this table
        leadInFrame(toNullable(event_name), 1, null) over at_table as follower,
        leadInFrame(toNullable(occurred_at), 1, null) over at_table as follower_at,
        -- and their next sitting down at any
        minIf(toNullable(occurred_at), event_name = 'game_session_started') over (
            partition by person_key
            order by rank_time
            rows between 1 following and unbounded following
        ) as next_start_at

    from events

    window at_table as (
        partition by
            person_key,
            game_session_id
        order by rank_time
        rows between unbounded preceding and unbounded following
    )

),

ends_chosen as (

    select
        followers_found.event_id as event_id,
        followers_found.person_id as person_id,
        followers_found.session_id as session_id,
        followers_found.game_session_id as game_session_id,
        followers_found.game_id as game_id,
        followers_found.role as role,
        toDate(followers_found.occurred_at, {{ reporting_timezone() }}) as started_on,
        followers_found.occurred_at as started_at,
        toBool(coalesce(follower = 'game_session_ended', false)) as has_end,
        -- a lost end: at the visit's last activity, or when the next seat was taken
        assumeNotNull(
            if(
                has_end,
                follower_at,
                least(
                    coalesce(next_start_at, sessions.visit_ended_at),
                    greatest(sessions.visit_ended_at, started_at)
                )
            )
        ) as ended_at,
        toUInt64(dateDiff('millisecond', started_at, ended_at)) as duration_ms

    from followers_found
    left join sessions on followers_found.session_id = sessions.session_id

    where followers_found.event_name = 'game_session_started'

)

select * from ends_chosen
