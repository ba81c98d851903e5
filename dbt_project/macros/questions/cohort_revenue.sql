{#
  One row per cohort, value of a first-touch property, and period after it: what the
  cohort's people paid in that period, and until its end.

  `people` is a relation of person_id, joined_at and segment (the property's value);
  `payments` of person_id, paid_at and amount. `ends_at` is the end of the data as SQL:
  a period that is not over by then is marked, and is no drop.
#}
{% macro ask_cohort_revenue(
    people, payments, ends_at, period='month', timezone='UTC', week_start='monday'
) -%}
with

people_placed as (

    select
        person_id,
        segment,
        {{ q_nth_period('joined_at', period, timezone, week_start) }} as cohort

    from {{ people }}

),

cohorts_counted as (

    select
        cohort,
        segment,
        count() as people

    from people_placed

    group by
        cohort,
        segment

),

payments_summed as (

    select
        people_placed.cohort as cohort,
        people_placed.segment as segment,
        -- what was paid before the person was first seen belongs to the first period
        greatest(
            {{ q_nth_period('payments.paid_at', period, timezone, week_start) }}
            - people_placed.cohort,
            0
        ) as periods_later,
        sum(payments.amount) as revenue,
        uniqExact(people_placed.person_id) as payers

    from {{ payments }} as payments
    inner join people_placed using (person_id)

    group by
        cohort,
        segment,
        periods_later

),

-- a period in which nobody paid is a cell too
cells_listed as (

    select
        *,
        -- the first period that is not over, which may not have begun either
        {{ q_nth_period(ends_at, period, timezone, week_start) }} as open_period,
        {{ q_nth_period(
            '(' ~ ends_at ~ ' - toIntervalMillisecond(1))', period, timezone, week_start
        ) }} as last_period,
        arrayJoin(range(toUInt64(greatest(last_period - cohort, 0)) + 1))
            as periods_later

    from cohorts_counted

),

cells_filled as (

    select
        {{ q_period_start('cells_listed.cohort', period, week_start) }}
            as cohort_start,
        cells_listed.segment as segment,
        toUInt32(cells_listed.periods_later) as periods_later,
        cells_listed.people as people,
        payments_summed.payers as payers,
        payments_summed.revenue as revenue,
        sum(payments_summed.revenue) over (
            partition by
                cells_listed.cohort,
                cells_listed.segment
            order by cells_listed.periods_later
            rows between unbounded preceding and current row
        ) as revenue_so_far,
        revenue_so_far / people as revenue_so_far_per_person,
        cells_listed.cohort + toInt64(cells_listed.periods_later)
        < cells_listed.open_period as is_complete

    from cells_listed
    left join payments_summed
        on
            cells_listed.cohort = payments_summed.cohort
            and cells_listed.segment = payments_summed.segment
            and cells_listed.periods_later = payments_summed.periods_later

    order by
        cohort_start,
        segment,
        periods_later

)

select * from cells_filled
{%- endmacro %}
