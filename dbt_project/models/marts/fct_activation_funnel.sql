{# One row per step of the activation funnel. #}
{{ config(order_by='step_number') }}
with

steps as (

    select
        step_number,
        step_name

    from {{ ref('activation_steps') }}

),

people as (

    select steps_reached

    from {{ ref('int_people_steps') }}

),

people_counted as (

    select
        steps.step_number as step_number,
        countIf(people.steps_reached >= steps.step_number) as people

    from steps
    cross join people

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
