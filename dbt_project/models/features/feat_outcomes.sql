{# One row per as-of day and person of feat_people: what the person did next. #}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by='as_of',
    order_by='(as_of, person_id)',
    pre_hook='{{ drop_days_of_the_run() }}',
    query_settings=grouping_of_millions(),
    contract={'enforced': true}
) }}
with

people as (

    select
        as_of,
        person_id

    from {{ ref('feat_people') }}

),

as_of_days as (

    select
        as_of,
        toBool(as_of + 28 <= ends_on) as is_complete,
        toDateTime64(as_of, 3, 'UTC') as horizon_from,
        toDateTime64(as_of + 28, 3, 'UTC') as horizon_to

    from {{ ref('int_as_of_days') }}

),

events as (

    select
        event_id,
        person_id,
        is_engagement,
        occurred_at

    from {{ ref('int_events_identified') }}

),

payments as (

    select
        event_id,
        kind,
        reporting_amount_minor,
        is_subscription

    from {{ ref('int_payments_told_apart') }}

),

events_within as (

    select
        as_of_days.as_of as as_of,
        events.person_id as person_id,
        events.is_engagement as is_engagement,
        toDate(events.occurred_at, 'UTC') as day,
        payments.kind as kind,
        payments.is_subscription as is_subscription,
        coalesce(payments.reporting_amount_minor, 0) as reporting_minor

    from events
    cross join as_of_days
    left join payments on events.event_id = payments.event_id

    where
        events.occurred_at >= as_of_days.horizon_from
        and events.occurred_at < as_of_days.horizon_to

),

outcomes_summed as (

    select
        as_of,
        person_id,
        countIf(is_engagement) as active_events,
        sum(reporting_minor) as revenue_minor,
        sumIf(reporting_minor, is_subscription) as subscription_minor,
        uniqExactIf(day, kind = 'payment' and reporting_minor > 0) as purchase_days

    from events_within

    group by
        as_of,
        person_id

),

people_judged as (

    select
        as_of,
        person_id,
        toUInt16(28) as horizon_days,
        active_events,
        revenue_minor,
        subscription_minor,
        purchase_days,
        is_complete

    from people
    inner join as_of_days using (as_of)
    left join outcomes_summed using (as_of, person_id)

)

select * from people_judged
