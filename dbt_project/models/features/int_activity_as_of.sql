{# One row per as-of day and known person whose data may be analysed. #}
{{ config(materialized='view', schema='intermediate', settings={}) }}
with

events as (

    select
        as_of,
        person_id,
        event_id,
        event_name,
        is_engagement,
        occurred_at,
        days_ago,
        sequence,
        feature_name,
        signup_method,
        plan,
        country,
        campaign,
        device_type

    from {{ ref('int_events_as_of') }}

),

-- moment, place on the device, id and then a word's code in one number: the largest is
-- the latest that was said. Ten times cheaper than tuples, and no text is kept
events_ranked as (

    select
        *,
        toUnixTimestamp64Milli(occurred_at) as happened_ms,
        bitShiftLeft(toUInt256(greatest(happened_ms, 0)), 208)
        + bitShiftLeft(toUInt256(sequence), 144)
        + bitShiftLeft(
            toUInt256(bitShiftRight(reinterpretAsUInt128(event_id), 48)), 64
        ) as step,
        -- materialized: not folded into constants where all events are of one kind
        materialize(is_engagement) and days_ago between 1 and 56 as is_recent,
        days_ago between 1 and 28 as is_late,
        bitShiftLeft(toUInt64(1), toUInt8(days_ago - 1)) as day,
        materialize(feature_name) != '' and is_late as is_use

    from events

),

activity_summed as (

    select
        as_of,
        person_id,
        toUInt32(greatest(max(days_ago), 0)) as tenure_days,
        toUInt32(
            greatest(coalesce(minOrNullIf(days_ago, is_engagement), tenure_days), 0)
        ) as days_since_last_active,
        -- a bit for each of the last 56 days: one number instead of four sets
        groupBitOrIf(day, is_recent) as days_active,
        toUInt64(bitCount(bitAnd(days_active, {{ 2 ** 7 - 1 }}))) as active_days_7,
        toUInt64(bitCount(bitAnd(days_active, {{ 2 ** 14 - 1 }}))) as active_days_14,
        toUInt64(bitCount(bitAnd(days_active, {{ 2 ** 28 - 1 }}))) as active_days_28,
        toUInt64(bitCount(days_active)) as active_days_56,
        countIf(is_recent and is_late) as events_28,
        countIf(event_name = 'game_session_started' and is_late) as game_sessions_28,
        -- by what was known then: an event learned later opens and bridges nothing.
        -- The day before the window tells what goes on at its beginning
        arraySort(groupArrayIf(happened_ms, days_ago between 1 and 57)) as moments,
        arrayFilter(
            (moment, before) -> moment - before > {{ var('session_silence_ms') }},
            moments,
            arrayPopBack(arrayPushFront(moments, toInt64(0)))
        ) as openings,
        toUnixTimestamp64Milli(toDateTime64(as_of, 3, 'UTC')) as end_ms,
        -- how many times 28 days ago each opened
        arrayMap(
            opening -> intDiv(end_ms - opening - 1, 28 * 86400000), openings
        ) as spans,
        countEqual(spans, 0) as sessions_28,
        countEqual(spans, 1) as sessions_prev_28,
        arrayDistinct(groupArrayIf(sipHash64(feature_name), is_use)) as features,
        toUInt64(length(features)) as distinct_features_28,
        countIf(event_name = 'rolled' and is_late) as rolls_28,
        countIf(event_name = 'user_logged_in' and is_late) as logins_28,
        countIf(
            event_name = 'support_ticket_opened' and days_ago between 1 and 56
        ) as support_tickets_56,
        toUInt64(maxIf(step + sipHash64(plan), plan != '')) as plan_code,
        toUInt64(maxIf(step + sipHash64(country), country != '')) as country_code,
        toUInt64(
            maxIf(step + sipHash64(signup_method), signup_method != '')
        ) as signup_method_code,
        toUInt64(
            maxIf(step + sipHash64(device_type), device_type != '')
        ) as device_type_code,
        toUInt64(minIf(step + sipHash64(campaign), campaign != '')) as campaign_code,
        toBool(active_days_56 > 0) as is_active_56

    from events_ranked

    group by
        as_of,
        person_id

)

select * except (days_active, moments, openings, end_ms, spans, features)

from activity_summed
