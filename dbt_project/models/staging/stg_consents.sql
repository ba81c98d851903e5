{# One row per consent decision. #}
with

decisions as (

    select
        event_id,
        user_id,
        anonymous_id,
        occurred_at,
        known_at,
        sequence,
        properties

    from {{ ref('stg_events') }}

    where event_name = 'consent_decided'

),

properties_read as (

    select
        event_id,
        user_id,
        anonymous_id,
        occurred_at,
        known_at,
        sequence,
        JSONExtractString(properties, 'purpose') as purpose,
        JSONExtractBool(properties, 'granted') as granted,
        JSONExtractString(properties, 'policy_version') as policy_version,
        JSONExtractString(properties, 'via') as via

    from decisions

)

select * from properties_read
