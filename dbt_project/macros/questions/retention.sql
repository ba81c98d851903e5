{#
  Calendar periods, numbered from the one that holds `first_moment`, which is 0; earlier
  ones are negative. Periods are those of the time zone.
#}
{% macro q_period_number(period, first_moment, time_zone, week_start='monday') -%}
    {%- set zone = q_text(time_zone) -%}
    {%- if period == 'hour' -%}
    toInt32(floor(
        (toUnixTimestamp64Milli(occurred_at) - toUnixTimestamp64Milli(
            toDateTime64(toStartOfHour({{ first_moment }}, {{ zone }}), 3)
        )) / 3600000
    ))
    {%- elif period == 'day' -%}
    toInt32(toDate32(occurred_at, {{ zone }})) - toInt32(
        toDate32({{ first_moment }}, {{ zone }})
    )
    {%- elif period == 'week' -%}
    {%- set mode = 0 if week_start == 'sunday' else 1 -%}
    intDiv(
        toInt32(toStartOfWeek(occurred_at, {{ mode }}, {{ zone }})) - toInt32(
            toStartOfWeek({{ first_moment }}, {{ mode }}, {{ zone }})
        ), 7
    )
    {%- else -%}
    toInt32(toRelativeMonthNum(occurred_at, {{ zone }})) - toInt32(
        toRelativeMonthNum({{ first_moment }}, {{ zone }})
    )
    {%- endif -%}
{%- endmacro %}

{#
  One row per cohort and later period: of the people who did the target event in a
  period, those who did the returning event in a later one. Offset 0 is the cohort itself.
  recurring: everyone is in the cohort of each period with the target event; first_time:
  only in the one of the very first target event, which may lie before all periods.
#}
{% macro ask_retention(
    events, type, period, first_moment, intervals, target, returning, time_zone,
    week_start='monday', people=none
) -%}
with

periods_numbered as (

    select
        person_key,
        {{ q_period_number(period, q_moment(first_moment), time_zone, week_start) }}
            as period,
        {{ q_is(target) }} as is_target,
        {{ q_is(returning) }} as is_return

    from {{ events }}

    where
        {{ q_named_as([target, returning]) }}
        {%- if people is not none %}
        and person_id in {{ q_texts(people) if people else "['']" }}
        {%- endif %}

),

people_periods as (

    select
        person_key,
        {% if type == 'recurring' -%}
        groupUniqArrayIf(period, is_target) as cohorts,
        {%- else -%}
        if(countIf(is_target) > 0, [minIf(period, is_target)], []) as cohorts,
        {%- endif %}
        groupUniqArrayIf(period, is_return) as returns

    from periods_numbered

    where period < {{ q_whole(intervals) }}

    group by person_key

),

cohorts_listed as (

    select
        cohort,
        returns

    from people_periods
    array join cohorts as cohort

    where cohort >= 0

),

returns_listed as (

    select
        cohort,
        arrayJoin(
            arrayConcat([0], arrayFilter(
                later -> later > 0, arrayMap(back -> back - cohort, returns)
            ))
        ) as later

    from cohorts_listed

)

select
    cohort,
    later,
    count() as people

from returns_listed

group by
    cohort,
    later
order by
    cohort,
    later
{%- endmacro %}

{#
  One row per cohort and later period: of the people whose first event of all lies in a
  period, those with any event in a later one. Offset 0 is the cohort itself.
#}
{% macro ask_cohort_retention(
    events, period, first_moment, periods, time_zone, week_start='monday'
) -%}
with

{{ q_nth_period(q_moment(first_moment), period, time_zone, week_start) }}
    as first_number,

{{ q_people_periods(
    events,
    period=period,
    timezone=time_zone,
    week_start=week_start,
    first='first_number',
    last='first_number + ' ~ (periods - 1),
    numbers=periods
) }},

{{ q_cohort_returns() }}

select
    cohort - first_number as cohort,
    later,
    people

from returns_counted

where
    returns_counted.cohort >= first_number
    and returns_counted.cohort + later < first_number + {{ q_whole(periods) }}

order by
    cohort,
    later
{%- endmacro %}

{#
  Common table expressions over people_summed (q_people_periods) that end in
  returns_counted: by number of the first period, and periods later, the people active.
#}
{% macro q_cohort_returns() -%}
returns_listed as (

    select
        seen_first as cohort,
        arrayJoin(numbers) - seen_first as later

    from people_summed

),

returns_counted as (

    select
        cohort,
        later,
        count() as people

    from returns_listed

    group by
        cohort,
        later

)
{%- endmacro %}

{#
  One row: the first and the last event of all, and the number of the last one's period,
  counted from that of `first_moment`, or without it from the first event's.
#}
{% macro ask_span(events, period, first_moment, time_zone, week_start='monday') -%}
{%- set first = 'began_at' if first_moment is none else q_moment(first_moment) -%}
select
    events,
    began_at,
    occurred_at as ended_at,
    {{ q_period_number(period, first, time_zone, week_start) }} as last_period

from (
    select
        count() as events,
        min(read.occurred_at) as began_at,
        max(read.occurred_at) as occurred_at

    from {{ events }} as read
)
{%- endmacro %}

{#
  One row: of the people whose first event (of a kind, or of all) lies in the span, those
  who did the returning event so many days after it or later, within the span too, which
  is half-open. Only the last return matters.
#}
{% macro ask_unbounded_retention(
    events, first, returning, days, date_from, date_to
) -%}
with

people_measured as (

    select
        person_key,
        minIf(occurred_at, {{ q_is(first) }}) as began_at,
        maxIf(occurred_at, {{ q_is(returning) }}) as last_return_at,
        countIf({{ q_is(first) }}) as begun

    from {{ events }}

    where
        {{ q_named_as([first, returning]) }}
        {%- if date_from is not none %}
        and occurred_at >= {{ q_moment(date_from) }}
        {%- endif %}
        {%- if date_to is not none %}
        and occurred_at < {{ q_moment(date_to) }}
        {%- endif %}

    group by person_key

    having begun > 0

)

select
    count() as total_users,
    [
        {%- for day in days %}
        countIf(last_return_at >= began_at + toIntervalDay({{ q_whole(day) }}))
        {{- ',' if not loop.last }}
        {%- endfor %}
    ] as unique_users

from people_measured
{%- endmacro %}
