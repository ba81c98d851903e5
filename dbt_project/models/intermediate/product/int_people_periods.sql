{# One row per kind of period (day, week) and person who was ever active. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(period, person_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

active_days as (

    select
        person_id as person_key,
        toDateTime64(active_on, 3, 'UTC') as occurred_at

    from {{ ref('fct_active_days') }}
    {{ of_touched_people('where', written=ref('fct_active_days')) }}

),

days as (

    with

    {{ q_people_periods('active_days', period='day') }}

    select * from people_summed

),

weeks as (

    with

    {{ q_people_periods('active_days', period='week') }}

    select * from people_summed

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
        toLowCardinality(period) as period,
        person_key as person_id,
        seen_first,
        arraySort(numbers) as numbers

    from periods_joined

)

select * from columns_named
