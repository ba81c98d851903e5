{#
  A funnel: how far each person came through the steps.

  An attempt begins with an event and goes on within the window, which is inclusive.
  - ordered: it begins with step 1; each step is the first such event after the one
    before it.
  - strict: the same, and no other event of the person lies between.
  - unordered: it begins with any step; each other step is the first such event after.
  One event is one step at most. An attempt is tainted by an exclusion between the
  steps named, or, where the second of them is not reached, until the window closes. An
  exclusion without steps takes back all but the first step; one with steps, the
  attempt. A person counts by the furthest attempt: the first to come so far, and of
  those that do so with the same event the one that began last.

  Everything is done on one sorted array per person, a whole array at a time, so that
  cost is linear in the events of the steps and no window function is needed.

  steps: [{event, where}]; exclusions: [{event, where, from_step, to_step}], steps from
  0, none for anywhere; window and dates in milliseconds.
#}

{#
  Common table expressions that end in people_followed, one row per person who took the
  first step: how many they `reached`, and the ranks of these, in `taken`.
#}
{% macro funnel_people(
    events, steps, order, window_ms, exclusions, date_from, date_to
) -%}
{{ funnel_journeys(events, steps, order, exclusions, date_from, date_to) }},

{% if order == 'unordered' -%}
{{ funnel_attempts_in_any_order(steps, exclusions, window_ms) }}
{%- else -%}
{{ funnel_attempts_in_order(steps, exclusions, window_ms, order == 'strict') }}
{%- endif %}
{%- endmacro %}

{#
  Common table expression steps_counted over people_described (reached, taken, value),
  one row per value: what `ask_funnel` tells, each an array over the steps. `as_of` is
  milliseconds, or SQL from a model.
#}
{% macro funnel_steps_counted(steps, window_ms, as_of) -%}
steps_counted as (

    select
        value,
        [
            {%- for step in range(1, steps | length + 1) %}
            countIf(reached >= {{ step }}){{ ',' if not loop.last }}
            {%- endfor %}
        ] as counts,
        [
            {%- for step in range(1, steps | length + 1) %}
            countIf(
                reached = {{ step }} and {{ step }} < {{ steps | length }}
                and bitShiftRight(taken[1], 16) + {{ window_ms }}
                > {{ as_of if as_of is string else q_whole(as_of) }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ] as still_open,
        {%- for name, since in [('previous', none), ('first', 1)] %}
        [
            {%- for step in range(1, steps | length + 1) %}
            {%- set from_step = since or [step - 1, 1] | max %}
            quantilesExactInclusiveIf(0.25, 0.5, 0.75, 0.9)(
                (
                    bitShiftRight(taken[{{ step }}], 16)
                    - bitShiftRight(taken[{{ from_step }}], 16)
                ) / 1000,
                reached >= {{ step }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ] as seconds_from_{{ name }},
        {%- endfor %}
        [
            {%- for step in range(1, steps | length + 1) %}
            avgIf(
                (
                    bitShiftRight(taken[{{ step }}], 16)
                    - bitShiftRight(taken[{{ [step - 1, 1] | max }}], 16)
                ) / 1000,
                reached >= {{ step }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ] as average_seconds

    from people_described

    group by value

)
{%- endmacro %}

{#
  One row per value of the breakdown, or one row: people who reached each step, the
  seconds between them, and how many may still come further: those whose window was open
  `as_of`, in milliseconds.
#}
{% macro ask_funnel(
    events, steps, order, window_ms, exclusions, date_from, date_to, as_of,
    breakdown=none
) -%}
with

{{ funnel_people(events, steps, order, window_ms, exclusions, date_from, date_to) }},

{% if breakdown is not none -%}
values_known as (

    select
        person_key,
        rank_time,
        {{ q_property(breakdown) }} as value

    from {{ events }}

    where {{ q_named_as(steps) }} {{- q_between(date_from, date_to) }}

),

people_described as (

    select
        people_followed.reached as reached,
        people_followed.taken as taken,
        values_known.value as value

    from people_followed
    inner join values_known
        on people_followed.person_key = values_known.person_key
        and people_followed.taken[1] = values_known.rank_time

),
{%- else -%}
people_described as (

    select
        reached,
        taken,
        '' as value

    from people_followed

),
{%- endif %}

{{ funnel_steps_counted(steps, window_ms, as_of) }}

select * from steps_counted
order by
    counts[1] desc,
    value asc
{%- endmacro %}

{# One row: the last event that a funnel reads, in milliseconds. #}
{% macro ask_funnel_end(events, steps, date_from, date_to) -%}
select toUnixTimestamp64Milli(max(occurred_at)) as ended_at
from {{ events }}
where {{ q_named_as(steps) }} {{- q_between(date_from, date_to) }}
{%- endmacro %}

{# One row per person of a funnel: who reached how many steps. #}
{% macro ask_funnel_people(
    events, steps, order, window_ms, exclusions, date_from, date_to
) -%}
with

{{ funnel_people(events, steps, order, window_ms, exclusions, date_from, date_to) }},

names_known as (

    select
        person_key,
        any(person_id) as person_id

    from {{ events }}

    where person_key in (select person_key from people_followed)

    group by person_key

)

select
    names_known.person_id as person_id,
    people_followed.reached as reached

from people_followed
inner join names_known on people_followed.person_key = names_known.person_key
order by person_id
{%- endmacro %}
