{# One row per period (day, week) and its start. #}
{{ config(order_by='(period, starts_on)') }}
with

active_days as (

    select
        person_key,
        '' as event_name,
        toDateTime64(active_on, 3, 'UTC') as occurred_at

    from {{ ref('fct_active_days') }}

),

days as (

    {{ ask_lifecycle(
        'active_days',
        first_moment='(select min(occurred_at) from active_days)',
        last_moment='(select max(occurred_at) from active_days)',
        period='day',
    ) }}

),

weeks as (

    {{ ask_lifecycle(
        'active_days',
        first_moment='(select min(occurred_at) from active_days)',
        last_moment='(select max(occurred_at) from active_days)',
        period='week',
    ) }}

),

periods_joined as (

    select
        'day' as period,
        *

    from days

    union all

    select
        'week' as period,
        *

    from weeks

),

columns_named as (

    select
        period,
        toDate(period_start, 'UTC') as starts_on,
        new as new_people,
        returning as returning_people,
        resurrecting as resurrecting_people,
        dormant as dormant_people,
        active as active_people

    from periods_joined

    -- without a day there is no first one either
    where (select count() from active_days) > 0

)

select * from columns_named
