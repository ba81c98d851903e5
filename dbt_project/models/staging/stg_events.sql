{# One row per event: the copy that was received first. #}
{{ config(order_by='(event_name, event_id)') }}
with

copies as (

    select
        event_id,
        event_name,
        event_version,
        user_id,
        anonymous_id,
        client_session_id,
        occurred_at,
        claimed_at,
        sent_at,
        received_at,
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
        content_hash

    from {{ ref('stg_event_copies') }}

),

deduplicated as (

    select *

    from copies

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

words_read as (

    select
        *,
        JSONExtractString(properties, 'game_id') as game_id,
        JSONExtractString(properties, 'feature_name') as feature_name,
        JSONExtractString(properties, 'signup_method') as signup_method,
        coalesce(
            nullIf(JSONExtractString(user_properties, 'subscription_tier'), ''),
            nullIf(JSONExtractString(properties, 'plan'), ''),
            JSONExtractString(properties, 'plan_type')
        ) as plan,
        coalesce(
            nullIf(JSONExtractString(user_properties, 'country'), ''),
            nullIf(JSONExtractString(properties, 'country'), ''),
            JSONExtractString(context, 'country')
        ) as country

    from deduplicated

)

select * from words_read
