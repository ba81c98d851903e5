{# One row per person, trait and stretch of time in which it had one value. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(person_id, trait, valid_from)',
    pre_hook='{{ forget_touched_people() }}'
) }}
-- depends_on: {{ ref('int_touched_ids') }}
with

events as (

    select
        event_id,
        person_id,
        occurred_at,
        sequence

    from {{ ref('int_events_sessionized') }}

),

traits as (

    select
        event_id,
        trait,
        value

    from {{ ref('stg_traits') }}
    {% if not builds_whole() %}
        where own_key in (select own_key from {{ ref('int_touched_ids') }})
    {% endif %}

),

-- of several values in one moment the last one stands
moments_settled as (

    select
        events.person_id as person_id,
        traits.trait as trait,
        events.occurred_at as occurred_at,
        argMax(traits.value, (events.sequence, events.event_id)) as value

    from events
    inner join traits on events.event_id = traits.event_id

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
