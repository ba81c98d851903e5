{# One row per person who took a step of the activation funnel, and how far it was. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

steps as (

    select
        step_number,
        step_name

    from {{ ref('activation_steps') }}

),

events as (

    select
        event_id,
        person_id,
        event_name,
        occurred_at,
        sequence

    from {{ ref('int_events_sessionized') }}

    where event_name in (select step_name from steps)

),

steps_taken as (

    select
        events.person_id as person_id,
        -- in the order of the device: B before A within one millisecond is no step
        arrayMap(
            taken -> (taken.1, taken.4),
            arraySort(
                groupArray((
                    toUnixTimestamp64Milli(events.occurred_at),
                    events.sequence,
                    events.event_id,
                    steps.step_number
                ))
            )
        ) as taken

    from events
    inner join steps on events.event_name = steps.step_name

    group by person_id

),

tries_followed as (

    select
        person_id,
        -- for each step: when the latest try that came so far began (0: none). A
        -- step carries on the try of the step before it, within the window
        arrayFold(
            (began, this) -> arrayMap(
                (at, step) -> multiIf(
                    step != this.2, at,
                    step = 1, this.1,
                    began[step - 1] > 0
                    and this.1 - began[step - 1] <= {{ var('funnel_window_ms') }},
                    began[step - 1],
                    at
                ),
                began,
                arrayEnumerate(began)
            ),
            taken,
            arrayWithConstant(
                assumeNotNull((select count() from steps)), toInt64(0)
            )
        ) as began

    from steps_taken

),

furthest_found as (

    select
        person_id,
        -- a step is reached by way of all before it
        toUInt8(arrayCount(at -> at > 0, began)) as steps_reached

    from tries_followed

)

select * from furthest_found
