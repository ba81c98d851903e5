{# One row per step of the activation funnel. #}
{{ config(order_by='step_number') }}
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

    from {{ ref('int_events_identified') }}

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

people_counted as (

    select
        arrayJoin(arrayEnumerate(began)) as step_number,
        countIf(began[step_number] > 0) as people

    from tries_followed

    group by step_number

),

steps_compared as (

    select
        steps.step_number as step_number,
        steps.step_name as step_name,
        people_counted.people as people,
        lagInFrame(people, 1, people) over in_order - people as people_lost,
        -- of nobody there is no rate: null
        people / nullIf(people + people_lost, 0) as rate_from_previous,
        people / nullIf(first_value(people) over in_order, 0) as rate_from_first

    from steps
    left join people_counted on steps.step_number = people_counted.step_number

    window in_order as (
        order by steps.step_number
        rows between unbounded preceding and current row
    )

)

select * from steps_compared
