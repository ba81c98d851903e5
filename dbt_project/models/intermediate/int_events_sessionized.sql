{# One row per event of the people this run computes, without what it carries. #}
{# by person, so that whoever sums finds a person's rows together #}
{{ config(order_by='(person_key, rank_time)', settings=written_for_one_run()) }}
with

events as (

    select
        event_id,
        person_key,
        person_id,
        session_id,
        user_id,
        event_name,
        occurred_at,
        rank_time,
        sequence,
        source,
        client_session_id,
        is_engagement,
        signup_method,
        plan,
        country,
        JSONExtract(
            context,
            'Tuple(device_type LowCardinality(String), browser LowCardinality(String),
            os LowCardinality(String), user_agent LowCardinality(String))'
        ) as device

    from {{ ref('int_events_placed') }}

),

devices_read as (

    select
        * except (device),
        tupleElement(device, 'device_type') as device_type,
        tupleElement(device, 'browser') as browser,
        tupleElement(device, 'os') as os,
        tupleElement(device, 'user_agent') as user_agent

    from events

)

select * from devices_read
