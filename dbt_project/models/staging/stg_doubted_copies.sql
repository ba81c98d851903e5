{# One row per copy of a device whose clock this run looks at. Of all copies only times
   are read before it is known which came late: else devices are, to compare them. #}
{{ config(
    order_by='(source, anonymous_id, received_at)',
    query_settings={'move_all_conditions_to_prewhere': 0},
) }}
-- depends_on: {{ ref('stg_loads_new') }}
with

copies as (

    select
        event_id,
        source,
        anonymous_id,
        loaded_at,
        received_at,
        sent_at,
        occurred_at as claimed_at,
        clock_offset_ms

    from {{ source('raw', 'events') }}

    where
        not imported
        and anonymous_id != ''

),

devices_that_came as (

    select distinct
        source,
        anonymous_id

    from copies
    {% if not builds_whole() %}
        where loaded_at in (select loaded_at from {{ ref('stg_loads_new') }})
    {% endif %}

),

-- fewer late batches never make a clock late
doubted as (

    select
        source,
        anonymous_id

    from copies

    where
        sent_at < received_at - toIntervalMillisecond({{ var('clock_tolerance_ms') }})
        {% if not builds_whole() %}
            and (source, anonymous_id) in (
                select (source, anonymous_id) from devices_that_came
            )
        {% endif %}

    group by
        source,
        anonymous_id

    having uniqExact(sent_at) > {{ var('clock_earlier_batches') }}

),

doubted_copies as (

    select
        event_id,
        source,
        anonymous_id,
        received_at,
        sent_at,
        claimed_at,
        clock_offset_ms

    from copies

    where
        -- known before anything is read: mostly there is nothing to look for
        (select count() from doubted) > 0
        and (source, anonymous_id) in (select (source, anonymous_id) from doubted)

)

select * from doubted_copies
