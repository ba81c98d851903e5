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

paths_counted as (

    select
        path,
        count() as users

    from paths_taken

    group by path

),

nodes_counted as (

    select
        place.1 as step,
        place.2 as event_name,
        sum(users) as reached,
        row_number() over (
            partition by step
            order by
                reached desc,
                event_name
        ) as place_by_size

    from paths_counted
    array join arrayZip(arrayEnumerate(path), path) as place

    group by
        step,
        event_name

),

nodes_kept as (

    select groupArray((step, event_name)) as kept

    from nodes_counted

    where place_by_size <= {{ q_whole(top) }}

),

edges_listed as (

    select
        users,
        arrayMap(
            (event_name, step) -> if(
                has(
                    assumeNotNull((select kept from nodes_kept)), (step, event_name)
                ),
                event_name,
                '(other)'
            ),
            path,
            arrayEnumerate(path)
        ) as nodes,
        arrayJoin(range(1, length(nodes))) as step

    from paths_counted

),

edges_counted as (

    select
        toUInt32(step) as step,
        nodes[step] as from_event,
        nodes[step + 1] as to_event,
        sum(users) as people

    from edges_listed

    group by
        step,
        from_event,
        to_event

    order by
        step,
        people desc,
        from_event,
        to_event

)

select * from edges_counted
{%- endmacro %}

{# The common table expressions that end in paths_taken (path), one row per unit. #}
{% macro q_paths_taken(events, anchor, max_length, direction, collapse_runs, unit) -%}
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
            toString(event_name) as event_name,
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
        toString(event_name) as event_name,
        rank_time

    from {{ events }}
    {{ q_anchors_joined(events, anchor, by, ahead) }}
    {% endif %}

),

paths_taken as (

    select
        {{ by }},
        {% if ahead %}
        arrayMap(
            step -> step.2,
            groupArraySorted({{ q_whole(max_length) }})((rank_time, event_name))
        ) as path
        {% else %}
        -- the latest come first: turned round again
        arrayReverse(
            arrayMap(
                step -> step.2,
                groupArraySorted({{ q_whole(max_length) }})(
                    (-toInt64(rank_time), event_name)
                )
            )
        ) as path
        {% endif %}

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
