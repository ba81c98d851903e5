{# One row per consent decision. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(own_key, event_id)',
    pre_hook='{{ forget_new_events() }}'
) }}
-- depends_on: {{ ref('stg_changes') }}
with

decisions as (

    select
        event_id,
        own_key,
        user_id,
        anonymous_id,
        occurred_at,
        known_at,
        sequence,
        properties

    from {{ ref('stg_events') }}

    where event_name = 'consent_decided' {{ of_new_events('and') }}

),

properties_read as (

    select
        event_id,
        own_key,
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
