{# One row per person, trait and stretch of time in which it had one value. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(person_id, trait, valid_from)',
    pre_hook='{{ forget_touched_people() }}'
) }}
-- depends_on: {{ ref('int_events_identified') }}
-- depends_on: {{ ref('int_events_touched') }}
with

events as (

    select
        event_id,
        person_id,
        occurred_at,
        sequence,
        user_properties

    from {{ events_to_compute() }}

    where user_properties not in ('', '{}')

),

traits_listed as (

    select
        * except (user_properties),
        arrayJoin(JSONExtractKeysAndValuesRaw(user_properties)) as pair,
        pair.1 as trait,
        pair.2 as written,
        if(startsWith(written, '"'), JSONExtractString(written), written) as value

    from events

    -- null says nothing about the person
    where written != 'null'

),

-- of several values in one moment the last one stands
moments_settled as (

    select
        person_id,
        trait,
        occurred_at,
        argMax(value, (sequence, event_id)) as value

    from traits_listed

    group by
        person_id,
        trait,
        occurred_at

),

values_compared as (

    select
        *,
        lagInFrame(toNullable(value)) over (
            partition by
                person_id,
                trait
            order by occurred_at
            rows between unbounded preceding and unbounded following
        ) as value_before

    from moments_settled

),

changes_kept as (

    select *

    from values_compared

    where value_before is null or value_before != value

),

stretches_ended as (

    select
        person_id,
        trait,
        value,
        occurred_at as valid_from,
        leadInFrame(toNullable(occurred_at)) over (
            partition by
                person_id,
                trait
            order by occurred_at
            rows between unbounded preceding and unbounded following
        ) as valid_to,
        toBool(valid_to is null) as is_current

    from changes_kept

)

select * from stretches_ended
