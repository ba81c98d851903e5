{# One row per user, as of so many days after they were first heard of. #}
{{ config(
    materialized='table', order_by='(as_of_moment, person_id)',
    query_settings=grouping_of_millions(),
    contract={'enforced': true}
) }}
-- depends_on: {{ ref('feat_outcomes') }}, as both at once take the memory of both
with

events as (

    select
        person_id,
        event_id,
        event_name,
        occurred_at,
        sequence

    from {{ ref('int_events_of_newcomers') }}

),

activity as (

    select
        person_id,
        as_of_moment,
        days_since_last_active,
        events,
        active_days,
        events_first_day,
        events_last_day,
        sessions,
        game_sessions,
        rolls,
        logins,
        distinct_features,
        distinct_games,
        support_tickets,
        plan,
        country,
        signup_method,
        device_type,
        first_campaign

    from {{ ref('int_newcomers_active') }}

),

consents as (

    select
        event_id,
        granted

    from {{ ref('stg_consents') }}

    where purpose = 'analytics'

),

payments as (

    select
        event_id,
        reporting_amount_minor

    from {{ ref('int_payments_converted') }}

),

-- of two decisions at one moment the refusal counts
decisions_found as (

    select
        events.person_id as person_id,
        argMax(
            consents.granted,
            (events.occurred_at, events.sequence, not consents.granted)
        ) as granted,
        true as is_decided

    from events
    inner join consents on events.event_id = consents.event_id

    group by person_id

),

money_summed as (

    select
        events.person_id as person_id,
        sum(coalesce(payments.reporting_amount_minor, 0)) as revenue_minor

    from events
    inner join payments on events.event_id = payments.event_id

    where events.event_name in ('payment_completed', 'payment_refunded')

    group by person_id

),

people_allowed as (

    select
        activity.person_id as person_id,
        activity.* except (person_id),
        money_summed.revenue_minor as revenue_minor

    from activity
    left join money_summed using (person_id)
    left join decisions_found using (person_id)

    where if(is_decided, granted, {{ analytics_consent_default() }})

)

select * from people_allowed
