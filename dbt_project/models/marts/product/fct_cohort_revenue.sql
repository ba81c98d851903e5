{# One row per property, its value, month of joining, and month after it. #}
{{ config(order_by='(property, value, cohort_month, months_later)') }}
with

people_placed as (

    select
        cohort,
        segments,
        paid

    from {{ ref('int_people_revenue') }}

),

extent as (

    select toDateTime64(reporting_ends_on, 3, 'UTC') as ends_at

    from {{ ref('int_as_of_days') }}

    where is_latest

),

{{ q_cohort_cells('(select ends_at from extent)', 'month') }},

columns_named as (

    select
        cast(segment.1 as String) as property,
        cast(segment.2 as String) as value,
        toDate(cohort_start, 'UTC') as cohort_month,
        periods_later as months_later,
        people,
        payers,
        revenue as revenue_minor,
        revenue_so_far as revenue_so_far_minor,
        revenue_so_far_per_person as revenue_so_far_per_person_minor,
        toBool(assumeNotNull(is_complete)) as is_complete

    from cells_filled

)

select * from columns_named
