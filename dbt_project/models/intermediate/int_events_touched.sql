{# One row per event of the people this run computes; none where it computes all. #}
{# what a run reads several times over lies scattered among all events: it is gathered
   once #}
{{ config(order_by='(person_key, occurred_at)', settings=written_for_one_run()) }}
-- depends_on: {{ ref('int_touched_people') }}
with

{{ events_identified(ref('int_touched_ids'), 'inner') }},

events as (

    select
        event_id,
        person_id,
        sipHash64(person_id) as person_key,
        user_id,
        event_name,
        occurred_at,
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
        user_agent,
        properties,
        user_properties

    from people_named

)

select * from events
