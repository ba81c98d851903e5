{#
  One row per attempt in order: the rank of each step, and of each exclusion the first
  after the step it is looked for from; 0 is none. Built from the last step backwards:
  every event of a step knows the whole rest of the attempt.
#}
{% macro funnel_attempts_in_order(steps, exclusions, window_ms, adjacent) -%}
{%- set last = steps | length -%}
{%- set shift = funnel_shift(steps + exclusions) -%}
{%- set built = namespace(names=[]) -%}
attempts_followed as (

    select
        person_key,
        {%- for exclusion in exclusions %}
        {{ funnel_after(
            funnel_ranks(last + loop.index0, shift), 'one != 0', 'toUInt64(0)'
        ) }} as excluded_{{ loop.index0 }},
        {%- endfor %}
        {%- for step in range(last, 0, -1) %}
        {%- set rest = built.names %}
        {%- set looked_for = [] %}
        {%- for exclusion in exclusions if (exclusion.from_step or 0) == step - 1 %}
        {%- do looked_for.append('excluded_' ~ exclusions.index(exclusion)) %}
        {%- endfor %}
        {%- set names = ['step_' ~ step] + rest + looked_for %}
        arrayMap(
            (this{{ ', rest' if rest }}
            {%- for name in looked_for %}, {{ name }}_next{% endfor %}) -> if(
                this != 0,
                tuple(
                    this
                    {%- for name in rest %}, rest.{{ loop.index }}{% endfor %}
                    {%- for name in looked_for %}, {{ name }}_next{% endfor %}
                ),
                {{ funnel_nothing(names | length) }}
            ),
            {{ funnel_ranks(step - 1, shift) }}
            {%- if rest %}, after_{{ step }}{% endif %}
            {%- for name in looked_for %}, {{ name }}{% endfor %}
        ) as from_{{ step }},
        {%- if step > 1 %}
        {{ funnel_after(
            'from_' ~ step, 'one.1 != 0', funnel_nothing(names | length), adjacent
        ) }} as after_{{ step - 1 }},
        {%- endif %}
        {%- set built.names = names %}
        {%- endfor %}
        arrayFilter(one -> one.1 != 0, from_1) as chains

    from journeys

),

attempts_measured as (

    select
        person_key,
        chains,
        arrayMap(
            chain -> toUInt8(1
                {%- for step in range(2, last + 1) %}
                {%- set place = 'chain.' ~ (built.names.index('step_' ~ step) + 1) %}
                + {{ funnel_within(place, 'chain.1', window_ms) }}
                {%- endfor %}),
            chains
        ) as reaches,
        {%- if exclusions %}
        arrayMap(
            (chain, reach) -> multiIf(
                {%- for exclusion in exclusions %}
                {%- set place = built.names.index('excluded_' ~ loop.index0) + 1 %}
                {%- set to_step = exclusion.to_step %}
                {%- set until = last if to_step is none else to_step + 1 %}
                {%- set end = built.names.index('step_' ~ until) + 1 %}
                {{ funnel_within('chain.' ~ place, 'chain.1', window_ms) }}
                and (reach < {{ until }} or chain.{{ place }} < chain.{{ end }}),
                {{ 1 if to_step is none else 0 }},
                {%- endfor %}
                reach
            ),
            chains, reaches
        ) as levels,
        {%- else %}
        reaches as levels,
        {%- endif %}
        arrayMax(levels) as reached,
        -- chains are in order of their beginning, so the first that comes so far is
        -- also the first to do so; a later one may do so with the same event
        arrayMap(
            (chain, level) -> multiIf(
                level != reached, 0,
                {%- for step in range(1, last) %}
                level = {{ step }}, chain.{{ built.names.index('step_' ~ step) + 1 }},
                {%- endfor %}
                chain.{{ built.names.index('step_' ~ last) + 1 }}
            ),
            chains, levels
        ) as ends,
        arrayFirst(end -> end != 0, ends) as first_end,
        arrayLast((chain, end) -> end = first_end, chains, ends) as best

    from attempts_followed

),

people_followed as (

    select
        person_key,
        arraySlice(
            [{% for step in range(1, last + 1) -%}
            best.{{ built.names.index('step_' ~ step) + 1 }}
            {{- ', ' if not loop.last }}{% endfor %}],
            1, reached
        ) as taken,
        reached

    from attempts_measured

    where reached > 0

)
{%- endmacro %}
