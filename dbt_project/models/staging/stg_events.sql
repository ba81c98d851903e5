{# One row per event: the copy that was received first. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(own_key, occurred_at, event_id)',
    settings={
        'index_granularity': 512,
        'default_compression_codec': 'LZ4',
        'auto_statistics_types': ''
    },
    query_settings={'max_insert_threads': 2},
    pre_hook='{{ forget_new_events() }}'
) }}
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
        content_hash

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

),

-- all words of a text are read in one go
words_read as (

    select
        * except (loaded_at),
        sipHash64(own_id) as own_key,
        JSONExtract(
            properties,
            'Tuple(
                game_id String, feature_name String, signup_method String,
                plan String, plan_type String, country String
            )'
        ) as told,
        JSONExtract(
            user_properties, 'Tuple(subscription_tier String, country String)'
        ) as traits

    from deduplicated

),

words_chosen as (

    select
        * except (told, traits),
        told.game_id as game_id,
        told.feature_name as feature_name,
        told.signup_method as signup_method,
        coalesce(
            nullIf(traits.subscription_tier, ''), nullIf(told.plan, ''), told.plan_type
        ) as plan,
        coalesce(
            nullIf(traits.country, ''),
            nullIf(told.country, ''),
            JSONExtractString(context, 'country')
        ) as country

    from words_read

)

select * from words_chosen  -- noqa: AM04
