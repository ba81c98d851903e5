{# One row per event id and content that lost against the content we keep. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    schema='intermediate',
    order_by='(event_id, content_hash)',
    pre_hook='{{ forget_repeated_ids() }}'
) }}
with

-- an id that came once has one content
repeated as (

    select event_id

    from {{ ref('stg_repeated_ids') }}

),

copies as (

    select
        event_id,
        event_name,
        content_hash,
        received_at,
        source

    from {{ ref('stg_event_copies') }}

    where event_id in (select event_id from repeated)

),

events as (

    select
        event_id,
        content_hash

    from {{ ref('stg_events') }}

    where event_id in (select event_id from repeated)

),

contents_counted as (

    select
        event_id,
        content_hash,
        min(event_name) as event_name,
        min(source) as source,
        min(received_at) as first_received_at,
        count() as copies

    from copies

    group by
        event_id,
        content_hash

),

losers_kept as (

    select
        contents_counted.event_id as event_id,
        contents_counted.content_hash as content_hash,
        events.content_hash as kept_content_hash,
        contents_counted.event_name as event_name,
        contents_counted.source as source,
        contents_counted.first_received_at as first_received_at,
        contents_counted.copies as copies

    from contents_counted
    inner join events on contents_counted.event_id = events.event_id

    where contents_counted.content_hash != events.content_hash

)

select * from losers_kept
