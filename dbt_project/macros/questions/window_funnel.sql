{#
  One row per person: how many steps in a row the engine's own windowFunnel finds, by its
  modes and with its own sense of one moment: B and A of one millisecond are A before B.
  For what our own funnel means, ask_funnel.
#}
{% macro ask_window_funnel(events, steps, window_ms, modes) -%}
select
    any(person_id) as person,
    {{ q_window_funnel(steps, window_ms, modes) }} as level

from {{ events }}

group by person_key
order by person
{%- endmacro %}

{# One row per level: how many people came so far and no further. #}
{% macro ask_window_funnel_levels(events, steps, window_ms, modes) -%}
select
    level,
    count() as people

from (
    select {{ q_window_funnel(steps, window_ms, modes) }} as level

    from {{ events }}

    group by person_key
)

group by level
order by level
{%- endmacro %}

{# The level of the person whose events are grouped. #}
{% macro q_window_funnel(steps, window_ms, modes) -%}
    windowFunnel(
        {{ q_whole(window_ms) }}{% for mode in modes %}, {{ q_text(mode) }}{% endfor %}
    )(
        toUInt64(toUnixTimestamp64Milli(occurred_at)),
        {%- for step in steps %}
        {{ q_is(step) }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
