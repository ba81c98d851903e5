{# One row per event of the people this run computes; none where it computes all. #}
{# what a run reads several times over lies scattered among all events: it is gathered
   once #}
{{ config(order_by='(person_key, occurred_at)', settings=written_for_one_run()) }}
-- depends_on: {{ ref('int_touched_ids') }}
-- depends_on: {{ ref('int_touched_people') }}
with

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

    from {{ ref('int_events_identified') }}

    {% if builds_whole() %}
        where false
    {% else %}
        where
            own_key in (select own_key from {{ ref('int_touched_ids') }})
            and person_id in (select person_id from {{ ref('int_touched_people') }})
    {% endif %}

)

select * from events
