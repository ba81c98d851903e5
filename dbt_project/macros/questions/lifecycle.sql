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
{%- set number = q_period_number('occurred_at', period, timezone, week_start) -%}
{%- set first_number -%}
    {{ q_period_number(q_moment_or_sql(first_moment), period, timezone, week_start) }}
{%- endset -%}
{%- set matches -%}
    {{ 'event_name = ' ~ q_text(event) if event is not none else 'true' }}
{%- endset -%}
with

{{ first_number }} as first_number,

{% if periods is not none -%}
first_number + {{ q_whole(periods) }}
{%- else -%}
{{ q_period_number(q_moment_or_sql(last_moment), period, timezone, week_start) }} + 1
{%- endif %} as end_number,

people_summed as (

    select
        person_key,
        min({{ number }}) as seen_first,
        groupUniqArrayIf(
            {{ number }},
            {{ matches }}
            and {{ number }} between first_number - 1 and end_number - 1
        ) as numbers

    from {{ events }}

    {% if event is not none and first_seen_by == 'event' %}
    where event_name = {{ q_text(event) }}
    {% endif %}

    group by person_key

    having notEmpty(numbers)

),

standings_found as (

    select
        arrayJoin(
            arrayConcat(
                arrayMap(
                    at -> (
                        at,
                        multiIf(
                            at = seen_first, 'new',
                            has(numbers, at - 1), 'returning',
                            'resurrecting'
                        )
                    ),
                    numbers
                ),
                arrayMap(
                    at -> (at + 1, 'dormant'),
                    arrayFilter(at -> not has(numbers, at + 1), numbers)
                )
            )
        ) as standing

    from people_summed

),

standings_counted as (

    select
        standing.1 as period_number,
        countIf(standing.2 = 'new') as newcomers,
        countIf(standing.2 = 'returning') as returners,
        countIf(standing.2 = 'resurrecting') as risers,
        countIf(standing.2 = 'dormant') as leavers

    from standings_found

    group by period_number

),

periods_listed as (

    select arrayJoin(range(first_number, end_number)) as period_number

),

periods_filled as (

    select
        {{ q_period_start('periods_listed.period_number', period, week_start) }}
            as period_start,
        standings_counted.newcomers as new,
        standings_counted.returners as returning,
        standings_counted.risers as resurrecting,
        -toInt64(standings_counted.leavers) as dormant,
        new + returning + resurrecting as active

    from periods_listed
    left join standings_counted
        on periods_listed.period_number = standings_counted.period_number

    order by period_start

)

select * from periods_filled
{%- endmacro %}
