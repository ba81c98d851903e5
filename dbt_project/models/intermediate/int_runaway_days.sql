{# One row per person and reporting day that a session of over 24 hours touches. #}
with

runaways as (

    select
        person_id,
        session_id,
        started_at,
        ended_at,
        events

    from {{ ref('int_sessions_summed') }}

    where duration_ms > {{ var('session_cap_ms') }}

),

days_listed as (

    select
        person_id,
        events,
        arrayJoin(
            arrayMap(
                later -> toDate(started_at, {{ reporting_timezone() }}) + later,
                range(
                    toUInt32(
                        toDate(ended_at, {{ reporting_timezone() }})
                        - toDate(started_at, {{ reporting_timezone() }})
                        + 1
                    )
                )
            )
        ) as runaway_on

    from runaways

),

days_summed as (

    select
        person_id,
        runaway_on,
        count() as runaway_sessions,
        sum(events) as runaway_events

    from days_listed

    group by
        person_id,
        runaway_on

)

select * from days_summed
