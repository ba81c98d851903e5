{#
  Common table expressions that end in people_named: one row per event, with the person
  it belongs to by a table of ids and people. `left`: all events, and whoever is not
  listed stands for themselves; `inner`: only events of the ids listed.
#}
{% macro events_identified(ids, join) -%}
staged_events as (

    select
        event_id,
        event_name,
        user_id,
        anonymous_id,
        own_id,
        own_key,
        client_session_id,
        occurred_at,
        known_at,
        sequence,
        source,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        campaign,
        device_type,
        browser,
        os,
        user_agent,
        properties,
        user_properties

    from {{ ref('stg_events') }}
    {%- if join == 'inner' %}

    where own_key in (select own_key from {{ ids }})
    {%- endif %}

),

-- who an id is by what is known today
ids as (

    select
        own_id as known_id,
        person_id as known_person_id

    from {{ ids }}

),

passive_events as (

    select event_name

    from {{ ref('passive_events') }}

),

people_named as (

    select
        * except (known_id, known_person_id),
        if(known_id = '', own_id, known_person_id) as person_id,
        cast(
            event_name not in (select event_name from passive_events), 'Bool'
        ) as is_engagement

    from staged_events
    {{ join }} join ids on staged_events.own_id = ids.known_id

)
{%- endmacro %}
