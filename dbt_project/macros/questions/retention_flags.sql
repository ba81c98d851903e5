{#
  One row: the cohort's size, and how many of it did the event again on each later day.
  `days` none: every later day on which anybody of the cohort did.
#}
{% macro ask_retention_flags(events, event, cohort_day, days, time_zone) -%}
with

people_days as (

    select
        person_key,
        groupUniqArray(toDate(occurred_at, {{ q_text(time_zone) }})) as active_days

    from {{ events }}

    where event_name = {{ q_text(event) }}

    group by person_key

    having has(active_days, toDate({{ q_text(cohort_day) }}))

),

days_asked as (

    select
        {% if days is none -%}
        arraySort(
            arrayFilter(
                day -> day > toDate({{ q_text(cohort_day) }}),
                groupUniqArrayArray(active_days)
            )
        ) as days

    from people_days
        {%- else -%}
        arrayMap(day -> toDate(day), cast({{ q_texts(days) }} as Array(String))) as days
        {%- endif %}

),

flags_counted as (

    select
        count() as cohort,
        any(days_asked.days) as days,
        sumForEach(arrayMap(day -> has(active_days, day), days_asked.days)) as flags,
        countIf(hasAll(active_days, days_asked.days)) as retained_on_all

    from people_days
    cross join days_asked

)

select
    cohort,
    days,
    if(empty(flags), arrayMap(day -> toUInt64(0), days), flags) as retained,
    retained_on_all

from flags_counted
{%- endmacro %}
