{# One row per event, as questions read it. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(event_name, person_key, rank_time)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        event_id,
        event_name,
        person_key,
        person_id,
        session_id,
        occurred_at,
        sequence,
        source,
        is_engagement,
        properties

    from {{ ref('int_events_sessionized') }}

),

ranked as (

    select
        toLowCardinality(event_name) as event_name,
        person_key,
        -- two events of one person never share a rank: B before A within one
        -- millisecond stays before it
        toUInt64(
            greatest(toUnixTimestamp64Milli(occurred_at), 0) * 65536
            + least(row_number() over within_millisecond - 1, 65535)
        ) as rank_time,
        occurred_at,
        person_id,
        session_id,
        event_id,
        source,
        is_engagement,
        properties

    from events

    window within_millisecond as (
        partition by
            person_key,
            person_id,
            occurred_at
        order by
            sequence,
            event_id
    )

)

select * from ranked
