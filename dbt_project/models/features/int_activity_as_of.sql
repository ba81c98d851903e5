{# One row per as-of day and known person whose data may be analysed. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

events as (

    select
        as_of,
        person_id,
        event_id,
        event_name,
        is_engagement,
        occurred_at,
        days_ago,
        sequence,
        feature_name,
        signup_method,
        plan,
        country

    from {{ ref('int_events_as_of') }}

),

consents as (

    select
        event_id,
        purpose,
        granted

    from {{ ref('stg_consents') }}

    where purpose = 'analytics'

),

sessions_opened as (

    select
        events.*,
        consents.purpose = 'analytics' as is_decision,
        consents.granted as granted,
        (occurred_at, sequence, event_id) as step,
        is_engagement and days_ago between 1 and 56 as is_recent,
        -- by what was known then: an event learned later opens and bridges nothing
        dateDiff(
            'millisecond',
            lagInFrame(occurred_at, 1, toDateTime64(0, 3, 'UTC')) over (
                partition by
                    as_of,
                    person_id
                order by
                    occurred_at,
                    sequence,
                    event_id
                rows between unbounded preceding and current row
            ),
            occurred_at
        ) > {{ var('session_silence_ms') }} as opens_session

    from events
    left join consents on events.event_id = consents.event_id

),

activity_summed as (

    select
        as_of,
        person_id,
        toUInt32(greatest(max(days_ago), 0)) as tenure_days,
        toUInt32(
            if(
                countIf(is_engagement) = 0,
                tenure_days,
                greatest(minIf(days_ago, is_engagement), 0)
            )
        ) as days_since_last_active,
        uniqExactIf(days_ago, is_recent and days_ago <= 7) as active_days_7,
        uniqExactIf(days_ago, is_recent and days_ago <= 14) as active_days_14,
        uniqExactIf(days_ago, is_recent and days_ago <= 28) as active_days_28,
        uniqExactIf(days_ago, is_recent) as active_days_56,
        countIf(is_recent and days_ago <= 28) as events_28,
        countIf(opens_session and days_ago between 1 and 28) as sessions_28,
        countIf(
            event_name = 'game_session_started' and days_ago between 1 and 28
        ) as game_sessions_28,
        countIf(opens_session and days_ago between 29 and 56) as sessions_prev_28,
        uniqExactIf(
            feature_name, feature_name != '' and days_ago between 1 and 28
        ) as distinct_features_28,
        countIf(event_name = 'rolled' and days_ago between 1 and 28) as rolls_28,
        countIf(
            event_name = 'user_logged_in' and days_ago between 1 and 28
        ) as logins_28,
        argMaxIf(plan, step, plan != '') as plan,
        argMaxIf(country, step, country != '') as country,
        argMaxIf(signup_method, step, signup_method != '') as signup_method,
        toBool(active_days_56 > 0) as is_active_56

    from sessions_opened

    group by
        as_of,
        person_id

    -- who refused analytics, by the latest decision known then, is left out
    having
        coalesce(
            argMaxOrNullIf(
                granted, (occurred_at, sequence, not granted), is_decision
            ),
            {{ analytics_consent_default() }}
        )

)

select * from activity_summed
