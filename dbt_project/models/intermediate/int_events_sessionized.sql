{# One row per event of the people this run computes, without what it carries. #}
{# by person, so that whoever sums finds a person's rows together #}
{{ config(order_by='(person_key, rank_time)', settings=written_for_one_run()) }}
with

events as (

    select
        event_id,
        person_key,
        person_id,
        session_key,
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
        device_type,
        browser,
        os,
        user_agent

    from {{ ref('int_events_placed') }}

)

select * from events
