{# One row per person who paid before the day of the report. #}
{{ config(order_by='person_id') }}
with

payments as (

    select
        person_id,
        kind,
        paid_on,
        reporting_amount_minor

    from {{ ref('fct_payments') }}

    where reporting_amount_minor is not null

),

segments as (

    select
        r_score,
        f_score,
        segment

    from {{ ref('rfm_segments') }}

),

report_dated as (

    select reports_on as as_of

    from {{ ref('int_as_of_days') }}

    where is_latest

),

people_summed as (

    select
        payments.person_id as person_id,
        any(report_dated.as_of) as as_of,
        toUInt32(
            dateDiff('day', maxIf(payments.paid_on, payments.kind = 'payment'), as_of)
        ) as recency_days,
        countIf(payments.kind = 'payment') as frequency,
        sum(assumeNotNull(payments.reporting_amount_minor)) as monetary_minor

    from payments
    cross join report_dated

    where payments.paid_on < report_dated.as_of

    group by person_id

    having frequency > 0

),

people_ranked as (

    select
        *,
        count() over () as people,
        -- equals share a rank, so that no order of rows decides a score
        rank() over (order by recency_days desc) as r_rank,
        rank() over (order by frequency) as f_rank,
        rank() over (order by monetary_minor) as m_rank

    from people_summed

),

people_scored as (

    select
        *,
        toUInt8(intDiv(5 * (r_rank - 1), people) + 1) as r_score,
        toUInt8(intDiv(5 * (f_rank - 1), people) + 1) as f_score,
        toUInt8(intDiv(5 * (m_rank - 1), people) + 1) as m_score

    from people_ranked

),

segments_named as (

    select
        people_scored.as_of as as_of,
        people_scored.person_id as person_id,
        people_scored.recency_days as recency_days,
        people_scored.frequency as frequency,
        people_scored.monetary_minor as monetary_minor,
        people_scored.r_score as r_score,
        people_scored.f_score as f_score,
        people_scored.m_score as m_score,
        segments.segment as segment

    from people_scored
    left join segments
        on
            people_scored.r_score = segments.r_score
            and people_scored.f_score = segments.f_score

)

select * from segments_named
