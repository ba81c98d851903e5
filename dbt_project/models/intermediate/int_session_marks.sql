{# One row per event that opens a session or shares its millisecond with an earlier. #}
{{ config(order_by='(person_key, occurred_at)', settings=written_for_one_run()) }}
-- depends_on: {{ ref('int_events_touched') }}
with

-- only what the order needs: the sort of all events carries nothing else
events as (

    select
        event_id,
        sipHash64(person_id) as person_key,
        person_id,
        occurred_at,
        sequence

    from {{ events_to_compute() }}

),

silences_measured as (

    select
        *,
        row_number() over by_person as number,
        dateDiff(
            'millisecond',
            lagInFrame(occurred_at, 1, occurred_at) over by_person,
            occurred_at
        ) as silent_ms

    from events

    window by_person as (
        partition by person_key
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
        toBool(
            number = 1 or silent_ms > {{ var('session_silence_ms') }}
        ) as is_opening

    from silences_measured

    where is_opening or silent_ms = 0

),

events_marked as (

    select
        event_id,
        person_key,
        occurred_at,
        is_opening,
        -- from the first event and its person, never from an ordinal: an earlier
        -- session that is found late renames no other
        if(
            is_opening, reinterpretAsUInt128(sipHash128(person_id, event_id)), 0
        ) as session_key,
        -- of those of one millisecond the first is not here, unless it opens
        toUInt64(
            if(is_opening, 0, row_number() over within_millisecond)
        ) as place

    from openings_found

    window within_millisecond as (
        partition by
            person_key,
            occurred_at,
            is_opening
        order by
            sequence,
            event_id
    )

)

select * from events_marked
