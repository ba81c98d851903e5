{# One row per event of the people this run computes, with the session it belongs to. #}
{{ config(order_by='(person_key, person_id, occurred_at, sequence, event_id)') }}
-- depends_on: {{ ref('int_touched_ids') }}
-- depends_on: {{ ref('int_touched_people') }}
with

events as (

    select
        event_id,
        sipHash64(person_id) as person_key,
        person_id,
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
        properties

    from {{ ref('int_events_identified') }}
    {% if not builds_whole() %}
        where
            own_key in (select own_key from {{ ref('int_touched_ids') }})
            and person_id in (select person_id from {{ ref('int_touched_people') }})
    {% endif %}

),

silences_measured as (

    select
        *,
        -- a person's first event has no predecessor: lagInFrame answers with the
        -- moment it is told to, a silence long enough to open a session
        dateDiff(
            'millisecond',
            lagInFrame(occurred_at, 1, toDateTime64(0, 3, 'UTC')) over by_person,
            occurred_at
        ) as silent_ms

    from events

    window by_person as (
        partition by
            person_key,
            person_id
        order by
            occurred_at,
            sequence,
            event_id
        rows between unbounded preceding and current row
    )

),

openings_found as (

    select
        *,
        -- anyLast passes over nulls: it remembers the last opening
        anyLast(
            if(silent_ms > {{ var('session_silence_ms') }}, event_id, null)
        ) over by_person as opening_event_id

    from silences_measured

    window by_person as (
        partition by
            person_key,
            person_id
        order by
            occurred_at,
            sequence,
            event_id
        rows between unbounded preceding and current row
    )

),

sessions_named as (

    select
        event_id,
        person_key,
        person_id,
        -- from the first event and its person, never from an ordinal: an earlier
        -- session that is found late renames no other
        lower(
            hex(sipHash128(person_id, assumeNotNull(opening_event_id)))
        ) as session_id,
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
        properties

    from openings_found

)

select * from sessions_named
