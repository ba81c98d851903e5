{# One row per cohort and week after it. #}
{{ config(order_by='(cohort_week, weeks_later)') }}
with

people as (

    select weeks

    from {{ ref('int_people_weeks') }}

),

extent as (

    select reporting_ends_on

    from {{ ref('int_as_of_days') }}

    where is_latest

),

cohorts_joined as (

    select
        weeks[1] as cohort_week,
        arrayJoin(weeks) as week

    from people

),

returns_counted as (

    select
        cohort_week,
        intDiv(dateDiff('day', cohort_week, week), 7) as weeks_later,
        count() as returned

    from cohorts_joined

    group by
        cohort_week,
        weeks_later

),

-- a week in which nobody came back is a cell too
cells_listed as (

    select
        returns_counted.cohort_week as cohort_week,
        returns_counted.returned as people,
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

    from returns_counted
    cross join extent

    where returns_counted.weeks_later = 0

),

cells_filled as (

    select
        cells_listed.cohort_week as cohort_week,
        toUInt32(cells_listed.weeks_later) as weeks_later,
        cells_listed.people as people,
        returns_counted.returned as returned,
        returned / people as rate,
        cells_listed.is_complete as is_complete

    from cells_listed
    left join returns_counted
        on
            cells_listed.cohort_week = returns_counted.cohort_week
            and cells_listed.weeks_later = returns_counted.weeks_later

)

select * from cells_filled
