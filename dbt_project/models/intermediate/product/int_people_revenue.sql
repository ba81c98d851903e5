{# One row per person: when they joined, in which segments, what they paid by month. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

people as (

    select
        person_id,
        first_seen_at,
        country,
        signup_method

    from {{ ref('dim_people') }}
    {{ of_touched_people('where', written=ref('dim_people')) }}

),

first_sources as (

    select
        person_id,
        argMin(channel, (first_viewed_at, session_id)) as channel,
        argMin(campaign, (first_viewed_at, session_id)) as campaign

    from {{ ref('fct_session_sources') }}
    {{ of_touched_people('where', written=ref('fct_session_sources')) }}

    group by person_id

),

-- moments as reporting days, so that months are theirs
people_listed as (

    select
        people.person_id as person_id,
        toDateTime64(
            toDate(people.first_seen_at, {{ reporting_timezone() }}), 3, 'UTC'
        ) as joined_at,
        [
            (toLowCardinality('everyone'), toLowCardinality('')),
            ('country', toLowCardinality(people.country)),
            ('signup_method', toLowCardinality(people.signup_method)),
            ('channel', toLowCardinality(first_sources.channel)),
            ('campaign', toLowCardinality(first_sources.campaign))
        ] as segments

    from people
    left join first_sources on people.person_id = first_sources.person_id

),

payments_made as (

    select
        person_id,
        toDateTime64(paid_on, 3, 'UTC') as paid_at,
        assumeNotNull(reporting_amount_minor) as amount

    from {{ ref('fct_payments') }}

    where
        reporting_amount_minor is not null
    {{ of_touched_people('and', written=ref('fct_payments')) }}

),

{{ q_cohort_people('people_listed', 'payments_made', 'month') }}

select * from people_placed
