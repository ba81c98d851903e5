{# One row per event, its time set right. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(own_key, occurred_at, event_id)',
    settings=written_quickly({
        'index_granularity': 512,
        'min_compress_block_size': 8192
    }),
    query_settings={'max_insert_threads': 2},
    pre_hook='{{ forget_new_events() }}'
) }}
-- depends_on: {{ ref('stg_changes') }}
with

first_copies as (

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

    from {{ ref('stg_first_copies') }}

),

clocks as (

    select
        source as clock_source,
        anonymous_id as clock_device,
        after_claim,
        offset_ms,
        not_before

    from {{ ref('stg_device_clocks') }}

),

clocks_followed as (

    select
        first_copies.*,
        -- imports have no clock, and clocks ahead are set right already
        clocks.clock_device != ''
        and not first_copies.imported
        and first_copies.clock_offset_ms = 0 as is_behind,
        greatest(
            clocks.offset_ms,
            dateDiff('millisecond', first_copies.claimed_at, clocks.not_before)
        ) as behind_ms

    from first_copies
    asof left join clocks
        on
            first_copies.source = clocks.clock_source
            and first_copies.anonymous_id = clocks.clock_device
            and first_copies.claimed_at > clocks.after_claim

),

clocks_set_right as (

    select
        * except (
            occurred_at, clock_offset_ms, clock_offset_source, is_behind, behind_ms
        ),
        if(
            is_behind,
            least(
                greatest(
                    claimed_at + toIntervalMillisecond(behind_ms),
                    toDateTime64('1970-01-05 12:00:00', 3, 'UTC')
                ),
                toDateTime64('2149-01-01 00:00:00', 3, 'UTC')
            ),
            occurred_at
        ) as occurred_at,
        if(is_behind and behind_ms != 0, behind_ms, clock_offset_ms)
            as clock_offset_ms,
        if(is_behind and behind_ms != 0, 'batches', clock_offset_source)
            as clock_offset_source,
        sipHash64(own_id) as own_key

    from clocks_followed

)

select * from clocks_set_right
