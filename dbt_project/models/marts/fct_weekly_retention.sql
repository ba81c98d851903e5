{# One row per cohort and week after it. #}
{{ config(order_by='(cohort_week, weeks_later)') }}
with

people_summed as (

    select
        seen_first,
        numbers

    from {{ ref('int_people_periods') }}

    where period = 'week'

),

extent as (

    select reporting_ends_on

    from {{ ref('int_as_of_days') }}

    where is_latest

),

{{ q_cohort_returns() }},

weeks_named as (

    select
        toDate({{ q_period_start('cohort', 'week') }}, 'UTC') as cohort_week,
        later as weeks_later,
        people as returned

    from returns_counted

),

-- a week in which nobody came back is a cell too
cells_listed as (

    select
        weeks_named.cohort_week as cohort_week,
        weeks_named.returned as people,
        arrayJoin(
            range(
                greatest(
                    intDiv(
                        dateDiff('day', cohort_week, extent.reporting_ends_on) + 6, 7
                    ),
                    1
                )
            )
        ) as weeks_later,
        toBool(
            cohort_week + 7 * (weeks_later + 1) <= extent.reporting_ends_on
        ) as is_complete

    from weeks_named
    cross join extent

    where weeks_named.weeks_later = 0

),

cells_filled as (

    select
        cells_listed.cohort_week as cohort_week,
        toUInt32(cells_listed.weeks_later) as weeks_later,
        cells_listed.people as people,
        weeks_named.returned as returned,
        returned / people as rate,
        cells_listed.is_complete as is_complete

    from cells_listed
    left join weeks_named
        on
            cells_listed.cohort_week = weeks_named.cohort_week
            and cells_listed.weeks_later = weeks_named.weeks_later

)

select * from cells_filled
