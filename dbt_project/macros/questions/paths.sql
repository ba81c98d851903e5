{#
  Paths: what people did after, or before, the first time they did something. A path is
  a person's events in order, at most `max_length` of them, the anchor included. With
  `unit='session_id'` each session has a path of its own; without an anchor a path
  begins (or ends) with the person's first (or last) event.

  `events` has person_key, session_id, event_name and rank_time. Runs of one event are
  kept, or with `collapse_runs` are one step.
#}

{# One row per path: the path and how many people (or sessions) took it. #}
{% macro ask_paths(
    events,
    anchor,
    max_length,
    direction='after',
    collapse_runs=false,
    unit='person_key',
    top=none
) -%}
with

{{ q_paths_taken(events, anchor, max_length, direction, collapse_runs, unit) }},

paths_counted as (

    select
        path,
        count() as users

    from paths_taken

    group by path

    order by
        users desc,
        path

    {{ 'limit ' ~ q_whole(top) if top is not none }}

)

select * from paths_counted
{%- endmacro %}

{#
  One row per step and pair of events, for a Sankey diagram: how many people went from
  the one to the other at that step. Events that are not among the `top` of their step
  are one node, `(other)`, so that no step has more than `top` + 1 of them and what
  leaves a step is what reached the next.
#}
{% macro ask_path_edges(
    events,
    anchor,
    max_length,
    direction='after',
    collapse_runs=false,
    unit='person_key',
    top=10
) -%}
with

{{ q_paths_taken(events, anchor, max_length, direction, collapse_runs, unit) }},

{{ q_path_moves() }},

{{ q_path_edges(top) }}

select * from edges_counted

order by
    step,
    people desc,
    from_event,
    to_event
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

{# Common table expressions over moves_counted that end in edges_counted. #}
{% macro q_path_edges(top) -%}
-- one row, read once: what follows works on it
(
    select groupArray((step, from_event, to_event, people)) from moves_counted
) as moves,

nodes_counted as (

    select
        move.1 as step,
        move.2 as event_name,
        sum(move.4) as reached,
        row_number() over (
            partition by step
            order by
                reached desc,
                event_name
        ) as place_by_size

    from (select arrayJoin(moves) as move)

    group by
        step,
        event_name

),

nodes_kept as (

    select
        step,
        event_name

    from nodes_counted

    where place_by_size <= {{ q_whole(top) }}

),

moves_listed as (

    select
        move.1 as step,
        if(
            (step, move.2) in (select step, event_name from nodes_kept),
            move.2,
            '(other)'
        ) as from_event,
        if(
            (step + 1, move.3) in (select step, event_name from nodes_kept),
            move.3,
            '(other)'
        ) as to_event,
        move.4 as people

    from (select arrayJoin(moves) as move)

    where move.3 != ''

),

edges_counted as (

    select
        toUInt32(step) as step,
        from_event,
        to_event,
        sum(moves_listed.people) as people

    from moves_listed

    group by
        step,
        from_event,
        to_event

)
{%- endmacro %}

{# Common table expressions that end in paths_taken (path), one row per unit. #}
{% macro q_paths_taken(
    events, anchor, max_length, direction='after', collapse_runs=false, unit='person_key'
) -%}
{%- set by = 'session_id' if unit == 'session_id' else 'person_key' -%}
{%- set ahead = direction != 'before' -%}
steps_listed as (

    {% if collapse_runs %}
    -- the first event of each run; a run's other events are no step
    select
        {{ by }},
        event_name,
        rank_time

    from (
        select
            {{ by }},
            event_name,
            rank_time,
            lagInFrame(toNullable(event_name), 1, null) over (
                partition by {{ by }}
                order by rank_time {{ '' if ahead else 'desc' }}
                rows between unbounded preceding and current row
            ) as name_before

        from {{ events }}
        {{ q_anchors_joined(events, anchor, by, ahead) }}
    )

    where name_before is null or name_before != event_name
    {% else %}
    select
        {{ by }},
        event_name,
        rank_time

    from {{ events }}
    {{ q_anchors_joined(events, anchor, by, ahead) }}
    {% endif %}

),

paths_taken as (

    select
        {{ by }},
        -- the nearest the anchor first; of paths that lead to it turned round again
        arraySlice(
            arrayPartialSort(
                (event_name, at) -> {{ 'at' if ahead else '-toInt64(at)' }},
                {{ q_whole(max_length) }},
                groupArray(event_name),
                groupArray(rank_time)
            ),
            1,
            {{ q_whole(max_length) }}
        ) as nearest,
        arrayMap(
            event_name -> toString(event_name),
            {{ 'nearest' if ahead else 'arrayReverse(nearest)' }}
        ) as path

    from steps_listed

    group by {{ by }}

)
{%- endmacro %}

{# Keeps what happened from the unit's first anchor on, or up to it. #}
{% macro q_anchors_joined(events, anchor, by, ahead) -%}
{%- if anchor is not none -%}
    inner join (
        select
            {{ by }},
            min(rank_time) as anchored_at

        from {{ events }}

        where event_name = {{ q_text(anchor) }}

        group by {{ by }}
    ) as anchors using ({{ by }})

    where rank_time {{ '>=' if ahead else '<=' }} anchored_at
{%- endif -%}
{%- endmacro %}
