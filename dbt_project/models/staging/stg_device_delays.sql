{# One row per batch of a doubted device that tells how late its clock is. #}
{{ config(materialized='view', settings={}) }}
with

copies as (

    select
        source,
        anonymous_id,
        received_at,
        sent_at,
        claimed_at,
        clock_offset_ms

    from {{ ref('stg_doubted_copies') }}

),

batches as (

    select
        source,
        anonymous_id,
        received_at,
        sent_at,
        -- clocks ahead are set right by the door, batch by batch
        maxIf(claimed_at, clock_offset_ms = 0) as latest_claim

    from copies

    group by
        source,
        anonymous_id,
        received_at,
        sent_at

),

-- what does not say when it was sent tells nothing of the clock, nor does a retry
delays_told as (

    select
        source,
        anonymous_id,
        received_at,
        latest_claim,
        coalesce(sent_at, received_at) as posted_at,
        dateDiff('millisecond', posted_at, received_at) as delay_ms,
        sent_at is not null
        and received_at = min(received_at) over (
            partition by source, anonymous_id, sent_at
        ) as is_evidence

    from batches

),

-- transit takes some time: the offset is at most the least delay
bounded as (

    select
        *,
        min(delay_ms) over recent as least_ms,
        count(delay_ms) over recent as batches_known,
        max(latest_claim) over before as after_claim

    from delays_told

    window
        recent as (
            partition by source, anonymous_id, is_evidence
            order by received_at, posted_at
            rows between {{ var('clock_earlier_batches') }} preceding and current row
        ),
        before as (
            partition by source, anonymous_id
            order by received_at, posted_at, is_evidence
            rows between unbounded preceding and 1 preceding
        )

),

offsets_told as (

    select
        source,
        anonymous_id,
        received_at,
        posted_at,
        after_claim,
        if(
            batches_known > {{ var('clock_earlier_batches') }}
            and least_ms > {{ var('clock_tolerance_ms') }},
            least_ms,
            0
        ) as offset_ms

    from bounded

    where is_evidence

)

select * from offsets_told
