{# One row per person who paid before the day of the report. #}
{{ config(order_by='person_id') }}
with

purchases as (

    select
        person_id,
        paid_on as bought_on,
        kind = 'payment' as is_purchase,
        assumeNotNull(reporting_amount_minor) as amount

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

people_scored as (

    {{ ask_rfm(
        'purchases', as_of='assumeNotNull((select as_of from report_dated))'
    ) }}

),

segments_named as (

    select
        assumeNotNull((select as_of from report_dated)) as as_of,
        people_scored.person_id as person_id,
        people_scored.recency_days as recency_days,
        people_scored.frequency as frequency,
        people_scored.monetary as monetary_minor,
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
