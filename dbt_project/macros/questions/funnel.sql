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

{# An array of what lies after each event: of all later ones the first that is there. #}
{% macro funnel_after(array, is_there, nothing, adjacent=false) -%}
    {%- if adjacent -%}
    arrayPushBack(arrayPopFront({{ array }}), {{ nothing }})
    {%- else -%}
    arrayPushBack(
        arrayPopFront(arrayReverseFill(one -> {{ is_there }}, {{ array }})), {{ nothing }}
    )
    {%- endif -%}
{%- endmacro %}

{# As many zeros: nothing was found. #}
{% macro funnel_nothing(width) -%}
    tuple({% for _ in range(width) %}toUInt64(0){{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# Whether a rank is there and at most the window after the start of the attempt. #}
{% macro funnel_within(rank, start, window_ms) -%}
    ({{ rank }} != 0 and bitShiftRight({{ rank }}, 16)
    <= bitShiftRight({{ start }}, 16) + {{ window_ms }})
{%- endmacro %}

{#
  One row per person: `journey` is the events of the steps in order, each as its rank and
  a bit for each step and exclusion that it is. In 64 bits where they are few, else 128.
#}
{% macro funnel_journeys(events, steps, order, exclusions, date_from, date_to) -%}
{%- set marked = steps + exclusions -%}
marked as (

    select
        person_key,
        {{ funnel_packed(marked) }} as packed

    from {{ events }}

    where
        {% if order == 'strict' -%}
        person_key in (
            select person_key
            from {{ events }}
            where {{ q_is(steps[0]) }} {{- q_between(date_from, date_to) }}
        )
        {%- else -%}
        {{ q_named_as(marked) }}
        {%- endif %}
        {{- q_between(date_from, date_to) }}

),

journeys as (

    select
        person_key,
        arraySort(groupArray(packed)) as journey

    from marked

    {% if order != 'strict' -%}
    where bitAnd(toUInt64(packed), {{ 2 ** (marked | length) - 1 }}) != 0

    {% endif -%}
    group by person_key

    -- nobody begins without a first step
    having bitAnd(
        groupBitOr(toUInt64(packed)),
        {{ 1 if order != 'unordered' else 2 ** (steps | length) - 1 }}
    ) != 0

)
{%- endmacro %}

{% macro funnel_shift(marked) -%}
    {{ 5 if marked | length <= 5 else 64 }}
{%- endmacro %}

{% macro funnel_packed(marked) -%}
    {%- if marked | length <= 5 -%}
    bitShiftLeft(rank_time, 5)
    {%- else -%}
    bitShiftLeft(toUInt128(rank_time), 64)
    {%- endif -%}
    {%- for one in marked %}
    + bitShiftLeft(toUInt64({{ q_is(one) }}), {{ loop.index0 }})
    {%- endfor -%}
{%- endmacro %}

{# For each event its rank if it has a bit, else 0. #}
{% macro funnel_ranks(bit, shift) -%}
    arrayMap(
        one -> if(
            bitTest(toUInt64(one), {{ bit }}),
            toUInt64(bitShiftRight(one, {{ shift }})), toUInt64(0)
        ),
        journey
    )
{%- endmacro %}

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

{# One row per person who took the first step: the ranks of the steps, in `taken`. #}
{% macro funnel_people(
    events, steps, order, window_ms, exclusions, date_from, date_to
) -%}
with

{{ funnel_journeys(events, steps, order, exclusions, date_from, date_to) }},

{% if order == 'unordered' -%}
{{ funnel_attempts_in_any_order(steps, exclusions, window_ms) }}
{%- else -%}
{{ funnel_attempts_in_order(steps, exclusions, window_ms, order == 'strict') }}
{%- endif %}
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
                > {{ q_whole(as_of) }}
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
