{# One row per feature and week in which it was used. #}
{{ config(order_by='(feature, week)') }}
with

firsts_marked as (

    select
        feature,
        period_number,
        uses,
        is_first

    from {{ ref('int_people_features') }}

),

weeks as (

    select
        toDateTime64(starts_on, 3, 'UTC') as starts_at,
        active_people

    from {{ ref('fct_lifecycle') }}

    where period = 'week'

),

people_counted as (

    select
        {{ q_nth_period('starts_at', 'week') }} as period_number,
        active_people

    from weeks

),

{{ q_adoption('week') }},

columns_named as (

    select
        cast(feature as String) as feature,
        toDate(period_start, 'UTC') as week,
        uses,
        people,
        adopters,
        adopters_so_far,
        active_people,
        rate

    from adoption_measured

)

select * from columns_named
