{# One row per as-of day and person known by then. #}
{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by='as_of',
    order_by='(as_of, person_id)',
    pre_hook='{{ drop_days_of_the_run() }}',
    query_settings=grouping_of_millions(),
    contract={'enforced': true}
) }}
with

activity as (

    select
        as_of,
        person_id,
        sipHash64(person_id) as player,
        tenure_days,
        days_since_last_active,
        active_days_7,
        active_days_14,
        active_days_28,
        active_days_56,
        events_28,
        sessions_28,
        game_sessions_28,
        sessions_prev_28,
        distinct_features_28,
        rolls_28,
        logins_28,
        support_tickets_56,
        plan,
        country,
        signup_method,
        device_type,
        first_campaign,
        is_active_56

    from {{ ref('int_people_allowed') }}

),

groups as (

    select
        as_of,
        player,
        group_size_56

    from {{ ref('int_groups_as_of') }}

),

purchases as (

    select
        as_of,
        person_id,
        payments_56,
        revenue_minor_56,
        subscription_minor_56,
        single_minor_56,
        revenue_minor_total,
        purchase_frequency,
        purchase_age_days,
        purchase_recency_days,
        purchase_mean_minor

    from {{ ref('int_purchases_as_of') }}

),

people_described as (

    select * except (player)

    from activity
    left join groups using (as_of, player)
    left join purchases using (as_of, person_id)

)

select * from people_described
