{# Events of the steps, one sorted array per person, and what lies after each. #}

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
        true
        {%- else -%}
        {{ q_named_as(marked) }}
        {%- endif %}
        {{- q_between(date_from, date_to) }}
        {%- if order != 'unordered' %}
        -- nobody begins without a first step
        and person_key in (
            select person_key
            from {{ events }}
            where {{ q_is(steps[0]) }} {{- q_between(date_from, date_to) }}
        )
        {%- endif %}

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
