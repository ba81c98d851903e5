{#
  One row per cohort, segment and period after it: what the cohort's people paid in that
  period, and until its end.

  `people` is a relation of person_id, joined_at and segments (an array: a person counts
  in each); `payments` of person_id, paid_at and amount. `ends_at` is the end of the data
  as SQL: a period that is not over by then is marked, and is no drop.
#}
{% macro ask_cohort_revenue(
    people, payments, ends_at, period='month', timezone='UTC', week_start='monday'
) -%}
with

{{ q_cohort_people(people, payments, period, timezone, week_start) }},

{{ q_cohort_cells(ends_at, period, timezone, week_start) }}

select * from cells_filled

order by
    cohort_start,
    segment,
    periods_later
{%- endmacro %}

{#
  Common table expressions that end in people_placed, one row per person: the number of
  the period they joined in, their segments, and what they paid how many periods later.
#}
{% macro q_cohort_people(
    people, payments, period, timezone='UTC', week_start='monday'
) -%}
people_joined as (

    select
        person_id,
        segments,
        {{ q_nth_period('joined_at', period, timezone, week_start) }} as cohort

    from {{ people }}

),

payments_summed as (

    select
        people_joined.person_id as person_id,
        -- what was paid before the person was first seen belongs to the first period
        greatest(
            {{ q_nth_period('payments.paid_at', period, timezone, week_start) }}
            - people_joined.cohort,
            0
        ) as periods_later,
        sum(payments.amount) as amount

    from {{ payments }} as payments
    inner join people_joined using (person_id)

    group by
        person_id,
        periods_later

),

payments_gathered as (

    select
        person_id,
        arraySort(groupArray((periods_later, amount))) as paid

    from payments_summed

    group by person_id

),

people_placed as (

    select
        people_joined.person_id as person_id,
        people_joined.cohort as cohort,
        people_joined.segments as segments,
        payments_gathered.paid as paid

    from people_joined
    left join payments_gathered using (person_id)

)
{%- endmacro %}

{# Common table expressions over people_placed that end in cells_filled. #}
{% macro q_cohort_cells(ends_at, period, timezone='UTC', week_start='monday') -%}
-- people of equal segments are added up before they are told apart by segment
likes_counted as (

    select
        cohort,
        segments,
        count() as people

    from people_placed

    group by
        cohort,
        segments

),

cohorts_counted as (

    select
        cohort,
        arrayJoin(segments) as segment,
        sum(people) as people

    from likes_counted

    group by
        cohort,
        segment

),

likes_paid as (

    select
        cohort,
        segments,
        payment.1 as periods_later,
        sum(payment.2) as revenue,
        count() as payers

    from people_placed
    array join paid as payment

    group by
        cohort,
        segments,
        periods_later

),

payments_placed as (

    select
        cohort,
        arrayJoin(segments) as segment,
        periods_later,
        sum(likes_paid.revenue) as revenue,
        sum(likes_paid.payers) as payers

    from likes_paid

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
        payments_placed.payers as payers,
        payments_placed.revenue as revenue,
        sum(payments_placed.revenue) over (
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
    left join payments_placed
        on
            cells_listed.cohort = payments_placed.cohort
            and cells_listed.segment = payments_placed.segment
            and cells_listed.periods_later = payments_placed.periods_later

)
{%- endmacro %}
