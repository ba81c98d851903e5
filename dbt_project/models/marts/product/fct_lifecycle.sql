{# One row per period (day, week) and its start. #}
{{ config(order_by='(period, starts_on)') }}
with

people as (

    select
        period,
        seen_first,
        numbers

    from {{ ref('int_people_periods') }}

),

days as (

    with

    people_summed as (

        select
            seen_first,
            numbers

        from people

        where period = 'day'

    ),

    {{ q_standings_of_all('day') }}

    select * from periods_told

),

weeks as (

    with

    people_summed as (

        select
            seen_first,
            numbers

        from people

        where period = 'week'

    ),

    {{ q_standings_of_all('week') }}

    select * from periods_told

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

    -- without people there is no first period either
    where (select count() from people) > 0

)

select * from columns_named
