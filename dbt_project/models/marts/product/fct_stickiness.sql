{# One row per number of days, 1 to 28. #}
{{ config(order_by='days_active') }}
with

active_days as (

    select
        person_key,
        '' as event_name,
        toDateTime64(active_on, 3, 'UTC') as occurred_at

    from {{ ref('fct_active_days') }}

),

extent as (

    select
        count() as days,
        toDate(max(occurred_at), 'UTC') as last_day

    from active_days

),

people_by_days as (

    {{ ask_stickiness(
        'active_days',
        from_moment='(select max(occurred_at) - toIntervalDay(27) from active_days)',
        to_moment='(select max(occurred_at) from active_days)',
        intervals=28,
    ) }}

),

dated as (

    select
        toUInt8(intervals_active) as days_active,
        people,
        assumeNotNull((select last_day from extent)) as last_day

    from people_by_days

    where (select days from extent) > 0

)

select * from dated
