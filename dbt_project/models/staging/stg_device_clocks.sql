{# One row per device and moment of its own clock after which it is that much behind. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(source, anonymous_id, after_claim)',
    pre_hook='{{ forget_devices_that_came() }}'
) }}
with

offsets_told as (

    select
        source,
        anonymous_id,
        received_at,
        posted_at,
        after_claim,
        offset_ms

    from {{ ref('stg_device_delays') }}

),

-- of several offsets after one claim the last: nothing was claimed between them
offsets_kept as (

    select
        source,
        anonymous_id,
        after_claim,
        argMax(offset_ms, (received_at, posted_at)) as offset_ms

    from offsets_told

    group by
        source,
        anonymous_id,
        after_claim

),

offsets_before as (

    select
        *,
        lagInFrame(offset_ms, 1, toInt64(0)) over (
            partition by source, anonymous_id
            order by after_claim
            rows between 1 preceding and current row
        ) as offset_before_ms

    from offsets_kept

),

-- where an offset gets less, no event is put before those that were claimed earlier
clocks_followed as (

    select
        source,
        anonymous_id,
        after_claim,
        offset_ms,
        max(after_claim + toIntervalMillisecond(offset_before_ms)) over (
            partition by source, anonymous_id
            order by after_claim
            rows between unbounded preceding and current row
        ) as not_before

    from offsets_before

    where offset_ms != offset_before_ms

)

select * from clocks_followed
