{# One row per property, its value, month of joining, and month after it. #}
{{ config(order_by='(property, value, cohort_month, months_later)') }}
with

people as (

    select
        person_id,
        first_seen_at,
        country,
        signup_method

    from {{ ref('dim_people') }}

),

first_sources as (

    select
        person_id,
        argMin(channel, (first_viewed_at, session_id)) as channel,
        argMin(campaign, (first_viewed_at, session_id)) as campaign

    from {{ ref('fct_session_sources') }}

    group by person_id

),

-- each person once for each property, as reporting days
people_listed as (

    select
        people.person_id as person_id,
        toDateTime64(
            toDate(people.first_seen_at, {{ reporting_timezone() }}), 3, 'UTC'
        ) as joined_at,
        arrayJoin([
            ('everyone', ''),
            ('country', people.country),
            ('signup_method', people.signup_method),
            ('channel', first_sources.channel),
            ('campaign', first_sources.campaign)
        ]) as segment

    from people
    left join first_sources on people.person_id = first_sources.person_id

),

payments_made as (

    select
        person_id,
        toDateTime64(paid_on, 3, 'UTC') as paid_at,
        assumeNotNull(reporting_amount_minor) as amount

    from {{ ref('fct_payments') }}

    where reporting_amount_minor is not null

),

extent as (

    select toDateTime64(reporting_ends_on, 3, 'UTC') as ends_at

    from {{ ref('int_as_of_days') }}

    where is_latest

),

cells as (

    {{ ask_cohort_revenue(
        'people_listed', 'payments_made', ends_at='(select ends_at from extent)'
    ) }}

),

columns_named as (

    select
        segment.1 as property,
        segment.2 as value,
        toDate(cohort_start, 'UTC') as cohort_month,
        periods_later as months_later,
        people,
        payers,
        revenue as revenue_minor,
        revenue_so_far as revenue_so_far_minor,
        revenue_so_far_per_person as revenue_so_far_per_person_minor,
        toBool(assumeNotNull(is_complete)) as is_complete

    from cells

)

select * from columns_named
