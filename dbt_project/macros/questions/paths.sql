{#
  Paths: what people did after, or before, the first time they did something. A path is
  a person's events in order, at most `max_length` of them, the anchor included. With
  `unit='session_id'` each session has a path of its own; without an anchor a path
  begins (or ends) with the person's first (or last) event.

  `events` has person_key, session_id, event_name and rank_time. Runs of one event are
  kept, or with `collapse_runs` are one step.
#}

{#
  One row per direction, `after` and `before`: `paths`, the most taken first, each with
  how many people (or sessions) took it, and `edges` for a Sankey diagram: step, event,
  next event and how many went from the one to the other at that step. Events that are
  not among the `top_events` of their step are one node, `(other)`, so that no step has
  more than `top_events` + 1 of them and what leaves a step is what reached the next.

  People are read once for all of it: their events as numbers, sliced both ways.
#}
{% macro ask_paths(
    events,
    anchor,
    max_length,
    collapse_runs=false,
    unit='person_key',
    top=none,
    top_events=10
) -%}
with

{{ q_units_gathered(events, anchor, collapse_runs, unit) }},

paths_counted as (

    select
        way.1 as side,
        way.2 as path,
        count() as users

    from (
        select
            arrayJoin([
                ('after', {{ q_slice('after', max_length) }}),
                ('before', {{ q_slice('before', max_length) }})
            ]) as way

        from units_gathered
    )

    group by
        side,
        path

),

sides_summed as (

    select
        side,
        {% set in_order = 'taken -> (-toInt64(taken.2), taken.1)' %}
        {% if top is none %}
        arraySort({{ in_order }}, groupArray((path, users))) as paths,
        {% else %}
        arraySlice(
            arrayPartialSort(
                {{ in_order }}, {{ q_whole(top) }}, groupArray((path, users))
            ),
            1,
            {{ q_whole(top) }}
        ) as paths,
        {% endif %}
        -- step, event and next event in one number, 20 bits for each event
        sumMap(
            arrayMap(
                (at, one, next) -> bitShiftLeft(toUInt64(at), 40)
                + bitShiftLeft(toUInt64(one), 20)
                + next,
                arrayEnumerate(path),
                path,
                arrayPushBack(arrayPopFront(path), 0)
            ),
            arrayMap(one -> users, path)
        ) as moved

    from paths_counted

    group by side

),

-- read once: everything else works on these two rows
(select groupArray((side, paths, moved)) from sides_summed) as sides,

moves_counted as (

    -- the last event of a path is left for nowhere: ''
    select
        each.1 as side,
        bitShiftRight(move.1, 40) as step,
        names[bitAnd(bitShiftRight(move.1, 20), 1048575)] as from_event,
        names[bitAnd(move.1, 1048575)] as to_event,
        move.2 as people

    from (select arrayJoin(sides) as each)
    array join arrayZip(each.3.1, each.3.2) as move

),

{{ q_path_edges(top_events, side='side') }},

edges_listed as (

    select
        side,
        arraySort(
            edge -> (edge.1, -toInt64(edge.4), edge.2, edge.3),
            groupArray((step, from_event, to_event, people))
        ) as edges

    from edges_counted

    group by side

)

select
    one_side.1 as direction,
    arrayMap(
        taken -> (arrayMap(one -> names[one], taken.1), taken.2), one_side.2
    ) as paths,
    edges_listed.edges as edges

from (select arrayJoin(sides) as one_side) as sides_told
left join edges_listed on one_side.1 = edges_listed.side
{%- endmacro %}

{# Common table expression over paths_taken: how many went from which event to which. #}
{% macro q_path_moves() -%}
moves_counted as (

    -- the last event of a path is left for nowhere: ''
    select
        move.1 as step,
        move.2 as from_event,
        move.3 as to_event,
        count() as people

    from paths_taken
    array join arrayZip(
        arrayEnumerate(path), path, arrayPushBack(arrayPopFront(path), '')
    ) as move

    group by
        step,
        from_event,
        to_event

)
{%- endmacro %}

{#
  Common table expressions over moves_counted that end in edges_counted. `side` is the
  column that keeps the paths of two directions apart, where there are two.
#}
{% macro q_path_edges(top, side="''") -%}
-- one row, read once: what follows works on it
(
    select groupArray((step, from_event, to_event, people, {{ side }}))
    from moves_counted
) as moves,

nodes_counted as (

    select
        move.5 as side,
        move.1 as step,
        move.2 as event_name,
        sum(move.4) as reached,
        row_number() over (
            partition by
                side,
                step
            order by
                reached desc,
                event_name
        ) as place_by_size

    from (select arrayJoin(moves) as move)

    group by
        side,
        step,
        event_name

),

nodes_kept as (

    select
        side,
        step,
        event_name

    from nodes_counted

    where place_by_size <= {{ q_whole(top) }}

),

moves_listed as (

    select
        move.5 as side,
        move.1 as step,
        if(
            (side, step, move.2) in (select side, step, event_name from nodes_kept),
            move.2,
            '(other)'
        ) as from_event,
        if(
            (side, step + 1, move.3) in (select side, step, event_name from nodes_kept),
            move.3,
            '(other)'
        ) as to_event,
        move.4 as people

    from (select arrayJoin(moves) as move)

    where move.3 != ''

),

edges_counted as (

    select
        side,
        toUInt32(step) as step,
        from_event,
        to_event,
        sum(moves_listed.people) as people

    from moves_listed

    group by
        side,
        step,
        from_event,
        to_event

)
{%- endmacro %}

{#
  Common table expressions that end in paths_taken (path), one row per unit. `also` are
  aggregates of a unit's events that come along.
#}
{% macro q_paths_taken(
    events,
    anchor,
    max_length,
    direction='after',
    collapse_runs=false,
    unit='person_key',
    also=[]
) -%}
{{ q_units_gathered(events, anchor, collapse_runs, unit, also) }},

paths_taken as (

    select
        {% for column in also -%}
        {{ column.split(' as ')[1] }},
        {% endfor -%}
        arrayMap(one -> names[one], {{ q_slice(direction, max_length) }}) as path

    from units_gathered

)
{%- endmacro %}

{#
  Common table expressions `names` (of events, in order) and units_gathered, one row per
  unit: its events `since` the anchor and `until` it, in order, as places in `names`.
  Numbers are gathered and sorted many times faster than names.
#}
{% macro q_units_gathered(events, anchor, collapse_runs, unit, also=[]) -%}
{%- set by = 'session_id' if unit == 'session_id' else 'person_key' -%}
(
    select arraySort(groupArray(toString(event_name)))
    from (select distinct event_name from {{ events }})
) as names,

units_gathered as (

    select
        {% for column in also -%}
        {{ column }},
        {% endfor -%}
        arraySort(
            (one, at) -> at,
            groupArray(toUInt32(indexOf(names, event_name))),
            groupArray(rank_time)
        ) as happened_all,
        {% if anchor is not none -%}
        indexOf(happened_all, indexOf(names, {{ q_text(anchor) }})) as anchored_at,
        {% if collapse_runs -%}
        -- a run that goes on over the anchor is cut there
        arrayCompact(arraySlice(happened_all, anchored_at)) as since,
        arrayCompact(arraySlice(happened_all, 1, anchored_at)) as until
        {%- else -%}
        arraySlice(happened_all, anchored_at) as since,
        arraySlice(happened_all, 1, anchored_at) as until
        {%- endif %}
        {%- else -%}
        {{ 'arrayCompact(happened_all)' if collapse_runs else 'happened_all' }} as since,
        since as until
        {%- endif %}

    from {{ events }}

    {% if anchor is not none -%}
    where
        {{ by }} in (
            select {{ by }} from {{ events }} where event_name = {{ q_text(anchor) }}
        )
    {%- endif %}

    group by {{ by }}

)
{%- endmacro %}

{# The nearest the anchor: the first events since it, or the last ones until it. #}
{% macro q_slice(direction, max_length) -%}
    {%- if direction == 'before' -%}
    arraySlice(until, -least({{ q_whole(max_length) }}, length(until)))
    {%- else -%}
    arraySlice(since, 1, {{ q_whole(max_length) }})
    {%- endif -%}
{%- endmacro %}
