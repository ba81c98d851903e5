{# One row per step of the activation funnel. #}
{{ config(order_by='step_number') }}
{%- set steps = [] -%}
{%- for name in var('activation_steps') -%}
    {%- do steps.append({'event': name, 'where': none}) -%}
{%- endfor -%}
with

events as (

    select
        event_name,
        occurred_at

    from {{ ref('fct_events') }}

),

extent as (

    {{ ask_funnel_end('events', steps, none, none) }}

),

people_described as (

    select
        steps_reached as reached,
        taken,
        '' as value

    from {{ ref('int_people_steps') }}

),

{{ funnel_steps_counted(
    steps, var('funnel_window_ms'), '(select ended_at from extent)'
) }},

-- one row also of nobody: arrays are empty then, and what is not in them is 0
steps_gathered as (

    select
        any(counts) as counts,
        any(still_open) as open_windows,
        any(seconds_from_previous) as seconds

    from steps_counted

),

steps_listed as (

    select
        counts,
        open_windows,
        seconds,
        step_name,
        toUInt8(place) as step_number,
        greatest(place - 1, 1) as place_before

    from steps_gathered
    array join
        {{ q_texts(steps | map(attribute='event') | list) }} as step_name,
        arrayEnumerate({{ q_texts(steps | map(attribute='event') | list) }}) as place

),

steps_compared as (

    select
        step_number,
        step_name,
        counts[step_number] as people,
        toInt64(counts[place_before]) - toInt64(people) as people_lost,
        -- of nobody there is no rate: null
        people / nullIf(counts[place_before], 0) as rate_from_previous,
        people / nullIf(counts[1], 0) as rate_from_first,
        open_windows[step_number] as still_open,
        if(
            step_number > 1 and people > 0,
            toNullable(seconds[step_number][2]),
            null
        ) as median_seconds_from_previous

    from steps_listed

)

select * from steps_compared
