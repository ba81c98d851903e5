{#
  One row per number of intervals, 1 to `intervals` (none: as many as there are): how many people were active in
  exactly that many hours, days, weeks or months between two moments (both included).

  `events` has person_key, event_name and occurred_at. `event` none: any event.
#}
{% macro ask_stickiness(
    events,
    from_moment,
    to_moment,
    intervals=none,
    event=none,
    interval='day',
    timezone='UTC',
    week_start='monday'
) -%}
with

people_counted as (

    select
        person_key,
        uniqExact({{ q_nth_period('occurred_at', interval, timezone, week_start) }})
            as intervals_active

    from {{ events }}

    where
        {% if event is not none %}
        event_name = {{ q_text(event) }} and
        {% endif %}
        occurred_at between {{ q_moment_or_sql(from_moment) }} and {{ q_moment_or_sql(to_moment) }}

    group by person_key

),

numbers_counted as (

    select
        toUInt64(intervals_active) as intervals_active,
        count() as people

    from people_counted

    group by intervals_active

),

numbers_filled as (

    select
        listed.intervals_active as intervals_active,
        numbers_counted.people as people

    from (
        select
            toUInt64(
                arrayJoin(
                    range(
                        1,
                        {% if intervals is not none %}
                        {{ q_whole(intervals) }} + 1
                        {% else %}
                        {{ q_nth_period(
                            q_moment_or_sql(to_moment), interval, timezone, week_start
                        ) }}
                        - {{ q_nth_period(
                            q_moment_or_sql(from_moment), interval, timezone, week_start
                        ) }} + 2
                        {% endif %}
                    )
                )
            ) as intervals_active
    ) as listed
    left join numbers_counted
        on listed.intervals_active = numbers_counted.intervals_active

    order by intervals_active

)

select * from numbers_filled
{%- endmacro %}
