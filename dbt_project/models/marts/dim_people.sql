{# One row per person. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
-- depends_on: {{ ref('int_touched_people') }}
with

events as (

    select
        person_id,
        event_name,
        user_id,
        occurred_at,
        country,
        plan,
        signup_method,
        rank_time

    from {{ ref('int_events_sessionized') }}

),

consents as (

    select
        person_id,
        analytics,
        personalisation,
        advertising

    from {{ ref('int_people_consents') }}
    {{ of_touched_people('where', written=ref('int_people_consents')) }}

),

payments as (

    select
        person_id,
        kind,
        reporting_amount_minor

    from {{ ref('fct_payments') }}
    {{ of_touched_people('where', written=ref('fct_payments')) }}

),

activity_summed as (

    select
        person_id,
        toBool(max(user_id) != '') as is_known,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        minIfOrNull(occurred_at, event_name = 'user_signed_up') as signed_up_at,
        argMaxIf(country, rank_time, country != '') as country,
        argMaxIf(plan, rank_time, plan != '') as plan,
        argMaxIf(signup_method, rank_time, signup_method != '') as signup_method,
        count() as events

    from events

    group by person_id

),

sessions_counted as (

    select
        person_id,
        count() as sessions

    from {{ ref('fct_sessions') }}
    {{ of_touched_people('where', written=ref('fct_sessions')) }}

    group by person_id

),

payments_summed as (

    select
        person_id,
        countIf(kind = 'payment') as payments,
        sum(coalesce(reporting_amount_minor, 0)) as revenue_minor

    from payments

    group by person_id

),

people_described as (

    select
        * except (analytics, personalisation, advertising),
        -- until a person decides: analytics by the setting, the others denied
        coalesce(analytics, {{ analytics_consent_default() }}) as analytics_consent,
        coalesce(personalisation, false) as personalisation_consent,
        coalesce(advertising, false) as advertising_consent

    from activity_summed
    left join sessions_counted using (person_id)
    left join payments_summed using (person_id)
    left join consents using (person_id)

)

select * from people_described
