{# One row per reporting day, metric, property and value of it. #}
{{ config(order_by='(metric, property, value, day)') }}
with

events as (

    select
        day,
        'events' as metric,
        'event_name' as property,
        event_name as value,
        toFloat64(sum(events)) as amount

    from {{ ref('fct_daily_events') }}

    group by
        day,
        value

),

lifecycle as (

    select
        starts_on as day,
        standing.1 as metric,
        'everyone' as property,
        '' as value,
        toFloat64(standing.2) as amount

    from {{ ref('fct_lifecycle') }}
    array join
        [
            ('active_people', toInt64(active_people)),
            ('new_people', toInt64(new_people)),
            ('returning_people', toInt64(returning_people)),
            ('resurrecting_people', toInt64(resurrecting_people)),
            ('dormant_people', toInt64(dormant_people))
        ] as standing

    where period = 'day'

),

sessions_counted as (

    select
        started_on as day,
        count() as sessions,
        countIf(not (is_bot or is_runaway)) as human_sessions

    from {{ ref('fct_sessions') }}
    group by day

),

sessions as (

    select
        day,
        figure.1 as metric,
        'everyone' as property,
        '' as value,
        toFloat64(figure.2) as amount

    from sessions_counted
    array join [('sessions', sessions), ('human_sessions', human_sessions)] as figure
    where figure.2 > 0

),

channels as (

    select
        started_on as day,
        'sessions' as metric,
        'channel' as property,
        channel as value,
        toFloat64(count()) as amount

    from {{ ref('fct_session_sources') }}

    group by
        day,
        value

),

revenue as (

    select
        paid_on as day,
        'revenue_minor' as metric,
        'everyone' as property,
        '' as value,
        toFloat64(sum(assumeNotNull(reporting_amount_minor))) as amount

    from {{ ref('fct_payments') }}

    where reporting_amount_minor is not null

    group by day

),

metrics_joined as (

    select * from events
    union all
    select * from lifecycle
    union all
    select * from sessions
    union all
    select * from channels
    union all
    select * from revenue

)

select * from metrics_joined
