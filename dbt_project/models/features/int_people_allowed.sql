{# One row per as-of day and known person whose data may be analysed. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

activity as (

    select
        as_of,
        person_id,
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
        is_active_56,
        plan_code,
        country_code,
        signup_method_code,
        device_type_code,
        campaign_code

    from {{ ref('int_activity_as_of') }}

),

decisions as (

    select
        as_of,
        person_id,
        granted,
        true as is_decided

    from {{ ref('int_decisions_as_of') }}

),

words as (

    select
        groupArray(code) as codes,
        groupArray(word) as texts

    from {{ ref('int_words') }}

),

people_allowed as (

    select activity.*

    from activity
    left join decisions using (as_of, person_id)

    where if(is_decided, granted, {{ analytics_consent_default() }})

),

words_told as (

    select
        * except (
            plan_code,
            country_code,
            signup_method_code,
            device_type_code,
            campaign_code
        ),
        (select codes from words) as codes,
        (select texts from words) as texts,
        transform(plan_code, codes, texts, '') as plan,
        transform(country_code, codes, texts, '') as country,
        transform(signup_method_code, codes, texts, '') as signup_method,
        transform(device_type_code, codes, texts, '') as device_type,
        transform(campaign_code, codes, texts, '') as first_campaign

    from people_allowed

)

select * except (codes, texts) from words_told
