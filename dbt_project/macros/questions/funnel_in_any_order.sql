{#
  One row per attempt in any order: the event it begins with, and of every other step the
  first event after. Steps that are the same take one event each.
#}
{% macro funnel_attempts_in_any_order(steps, exclusions, window_ms) -%}
{%- set shift = funnel_shift(steps + exclusions) -%}
{%- set kinds = [] -%}
{%- for step in steps if step not in kinds %}{% do kinds.append(step) %}{% endfor -%}
{%- set slots = namespace(taken=[]) -%}
attempts_followed as (

    select
        person_key,
        {%- for exclusion in exclusions %}
        {{ funnel_after(
            funnel_ranks(steps | length + loop.index0, shift), 'one != 0', 'toUInt64(0)'
        ) }} as excluded_{{ loop.index0 }},
        {%- endfor %}
        {%- for kind in kinds %}
        {%- set number = loop.index0 %}
        {%- set times = steps | select('equalto', kind) | list | length %}
        arrayMap(
            this -> tuple(this), {{ funnel_ranks(steps.index(kind), shift) }}
        ) as found_{{ number }}_1,
        {%- for time in range(1, times + 1) %}
        {{ funnel_after(
            'found_' ~ number ~ '_' ~ time, 'one.1 != 0', funnel_nothing(time)
        ) }} as after_{{ number }}_{{ time }},
        {%- if time < times %}
        arrayMap(
            (this, rest) -> if(
                this.1 != 0,
                tuple(this.1
                {%- for place in range(1, time + 1) %}, rest.{{ place }}{% endfor %}),
                {{ funnel_nothing(time + 1) }}
            ),
            found_{{ number }}_1, after_{{ number }}_{{ time }}
        ) as found_{{ number }}_{{ time + 1 }},
        {%- endif %}
        {%- do slots.taken.append([number, time, times]) %}
        {%- endfor %}
        {%- endfor %}
        arrayZip(
            journey
            {%- for kind in kinds %}
            {%- set times = steps | select('equalto', kind) | list | length -%}
            , after_{{ loop.index0 }}_{{ times }}
            {%- endfor %}
            {%- for exclusion in exclusions %}, excluded_{{ loop.index0 }}{% endfor %}
        ) as chains

    from journeys

),

attempts_listed as (

    select
        person_key,
        chain,
        -- an event that is several steps begins an attempt as each of them
        arrayJoin(
            arrayFilter(
                (number, bit) -> bitTest(toUInt64(chain.1), bit),
                [{% for kind in kinds %}{{ loop.index0 }}{{ ', ' if not loop.last }}
                {%- endfor %}],
                [{% for kind in kinds %}toUInt8({{ steps.index(kind) }})
                {{- ', ' if not loop.last }}{% endfor %}]
            )
        ) as begun_as

    from attempts_followed
    array join chains as chain

),

attempts_measured as (

    select
        person_key,
        toUInt64(bitShiftRight(chain.1, {{ shift }})) as began,
        arraySort(arrayDistinct(arrayFilter(
            rank -> {{ funnel_within('rank', 'began', window_ms) }},
            [
                began
                {%- for number, time, times in slots.taken -%}
                ,
                {%- if time == times %}
                if(begun_as = {{ number }}, 0, chain.{{ number + 2 }}.{{ time }})
                {%- else %}
                chain.{{ number + 2 }}.{{ time }}
                {%- endif %}
                {%- endfor %}
            ]
        ))) as found
        {%- for exclusion in exclusions %}
        {%- set name = 'chain.' ~ (kinds | length + 2 + loop.index0) -%}
        ,
        {{ funnel_within(name, 'began', window_ms) }}
        and (length(found) < {{ steps | length }} or {{ name }} < found[-1])
            as is_tainted_{{ loop.index0 }}
        {%- endfor %}

    from attempts_listed

),

people_followed as (

    select
        person_key,
        argMin(
            {% if exclusions -%}
            if(
                {%- for exclusion in exclusions %}
                is_tainted_{{ loop.index0 }}{{ ' or' if not loop.last }}
                {%- endfor %},
                [began], found
            ) as kept,
            {%- else -%}
            found as kept,
            {%- endif %}
            ({{ steps | length }} - length(kept), kept[-1], -toInt64(kept[1]))
        ) as taken,
        length(taken) as reached

    from attempts_measured

    group by person_key

)
{%- endmacro %}
