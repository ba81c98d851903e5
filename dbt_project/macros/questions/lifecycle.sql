{#
  One row per period: people who are new, returning, resurrecting, and (negative) those
  gone dormant.

  new: seen for the first time ever, by any event, and by `event` too; returning: active
  in the period before as well; resurrecting: active, neither of these; dormant: active
  in the period before and not in this one. new + returning + resurrecting = active.

  `events` has person_key, event_name and occurred_at. `event` none: any event.
  `first_moment` (ms) lies in the first of `periods` periods; without `periods` the last
  is that of `last_moment`. `first_seen_by`: `any` event, or `event` alone.
#}
{% macro ask_lifecycle(
    events,
    first_moment,
    periods=none,
    last_moment=none,
    event=none,
    period='day',
    timezone='UTC',
    week_start='monday',
    first_seen_by='any'
) -%}
{%- set first_number -%}
    {{ q_nth_period(q_moment_or_sql(first_moment), period, timezone, week_start) }}
{%- endset -%}
with

{{ first_number }} as first_number,

{% if periods is not none -%}
first_number + {{ q_whole(periods) }}
{%- else -%}
{{ q_nth_period(q_moment_or_sql(last_moment), period, timezone, week_start) }} + 1
{%- endif %} as end_number,

{{ q_people_periods(
    events,
    event,
    period,
    timezone,
    week_start,
    first_seen_by,
    first='first_number - 1',
    last='end_number - 1',
    numbers=none if periods is none else periods + 1
) }},

{{ q_standings(period, week_start) }}

select * from periods_told

order by period_start
{%- endmacro %}

{#
  Common table expression people_summed, one row per person who was ever active: the
  number of the period in which they were first seen, and of those they were active in.
  `first` and `last` narrow these, as SQL. Where it is known that this leaves so many
  `numbers` and no more than 64, they are bits of one: half the work of a set.
#}
{% macro q_people_periods(
    events,
    event=none,
    period='day',
    timezone='UTC',
    week_start='monday',
    first_seen_by='any',
    first=none,
    last=none,
    numbers=none
) -%}
{%- set number = q_nth_period('occurred_at', period, timezone, week_start) -%}
{%- set is_asked -%}
    {{ 'event_name = ' ~ q_text(event) if event is not none else 'true' }}
            {%- if first is not none %}
            and {{ number }} between {{ first }} and {{ last }}
            {%- endif %}
{%- endset -%}
people_summed as (

    select
        person_key,
        min({{ number }}) as seen_first,
        {% if numbers is not none and numbers <= 64 -%}
        arrayMap(
            bit -> toInt64(bit) + {{ first }},
            bitPositionsToArray(groupBitOrIf(
                bitShiftLeft(
                    toUInt64(1), toUInt8(bitAnd({{ number }} - ({{ first }}), 63))
                ),
                {{ is_asked }}
            ))
        ) as numbers
        {%- else -%}
        groupUniqArrayIf(
            {{ number }},
            {{ is_asked }}
        ) as numbers
        {%- endif %}

    from {{ events }}

    {% if event is not none and first_seen_by == 'event' %}
    where event_name = {{ q_text(event) }}
    {% endif %}

    group by person_key

    having notEmpty(numbers)

)
{%- endmacro %}

{#
  Common table expressions over people_summed, first_number and end_number that end in
  periods_told.
#}
{% macro q_standings(period, week_start='monday') -%}
neighbours_placed as (

    select
        seen_first,
        arraySort(numbers) as sorted,
        arrayPushFront(arrayPopBack(sorted), sorted[1] - 2) as ones_before,
        arrayPushBack(arrayPopFront(sorted), sorted[-1] + 2) as ones_after

    from people_summed

),

standings_counted as (

    select
        at as period_number,
        count() as people,
        countIf(at = seen_first) as newcomers,
        countIf(one_before = at - 1) as returners,
        countIf(one_after != at + 1) as leavers

    from neighbours_placed
    array join
        sorted as at,
        ones_before as one_before,
        ones_after as one_after

    group by period_number

),

-- the period before the first, too: who left it is dormant in the first
periods_listed as (

    select arrayJoin(range(first_number - 1, end_number)) as period_number

),

periods_filled as (

    select
        periods_listed.period_number as number,
        {{ q_period_start('number', period, week_start) }} as period_start,
        standings_counted.newcomers as new,
        standings_counted.returners as returning,
        active - new - returning as resurrecting,
        -toInt64(lagInFrame(standings_counted.leavers, 1, 0) over in_order) as dormant,
        standings_counted.people as active

    from periods_listed
    left join standings_counted
        on periods_listed.period_number = standings_counted.period_number

    window in_order as (
        order by periods_listed.period_number
        rows between unbounded preceding and current row
    )

),

periods_told as (

    select
        period_start,
        new,
        returning,
        toUInt64(resurrecting) as resurrecting,
        dormant,
        active

    from periods_filled

    where number >= first_number

)
{%- endmacro %}

{# The same over people_summed alone, from the first period of anybody to the last. #}
{% macro q_standings_of_all(period) -%}
assumeNotNull((select min(seen_first) from people_summed)) as first_number,

assumeNotNull((select max(numbers[-1]) from people_summed)) + 1 as end_number,

{{ q_standings(period) }}
{%- endmacro %}
