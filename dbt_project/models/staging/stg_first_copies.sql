{# One row per event of this run's loads: the copy that was received first. #}
{{ config(materialized='view', settings={}) }}
with

copies as (

    select
        event_id,
        event_name,
        event_version,
        user_id,
        anonymous_id,
        own_id,
        client_session_id,
        occurred_at,
        claimed_at,
        sent_at,
        received_at,
        loaded_at,
        known_at,
        clock_offset_ms,
        clock_offset_source,
        sequence,
        source,
        imported,
        tags,
        properties,
        context,
        user_properties,
        content_hash,
        game_id,
        feature_name,
        signup_method,
        plan,
        country,
        campaign,
        device_type,
        browser,
        os,
        user_agent

    from {{ ref('stg_event_copies') }}

),

-- most events come once: only the others need an order
came_once as (

    select *

    from copies

    -- only loads that were looked through for repetitions
    where
        loaded_at in (select loaded_at from {{ ref('stg_loads_new') }})
        and event_id not in (select event_id from {{ ref('stg_repeated_ids') }})

),

came_first as (

    select *

    from copies

    where event_id in (select event_id from {{ ref('stg_repeated_ids') }})

    -- after the content only what the transport added can differ; loaded_at is no
    -- part of this, so that loading again changes nothing
    order by
        event_id,
        received_at,
        known_at,
        content_hash,
        clock_offset_ms,
        sequence,
        sent_at,
        source,
        imported

    limit 1 by event_id

),

deduplicated as (

    select * from came_once

    union all

    select * from came_first

)

select * from deduplicated  -- noqa: AM04
