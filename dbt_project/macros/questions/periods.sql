{#
  Hours, days, weeks and months as whole numbers, so that "the period before" is minus
  one, whatever the period and the time zone. Weeks begin on Monday, or on Sunday.
#}

{# The number of the period that a moment lies in. #}
{% macro q_nth_period(moment, period, timezone='UTC', week_start='monday') -%}
    {%- if period == 'hour' -%}
        toInt64(toRelativeHourNum({{ moment }}, {{ q_text(timezone) }}))
    {%- elif period == 'day' -%}
        toInt64(toRelativeDayNum({{ moment }}, {{ q_text(timezone) }}))
    {%- elif period == 'week' -%}
        intDiv(
            toInt64(toRelativeDayNum({{ moment }}, {{ q_text(timezone) }}))
            + {{ 4 if week_start == 'sunday' else 3 }},
            7
        )
    {%- elif period == 'month' -%}
        toInt64(toRelativeMonthNum({{ moment }}, {{ q_text(timezone) }}))
    {%- endif -%}
{%- endmacro %}

{# The local time at which the period of a number begins, such as 2026-03-02 00:00:00. #}
{% macro q_period_start(number, period, week_start='monday') -%}
    {%- if period == 'hour' -%}
        toDateTime(({{ number }}) * 3600, 'UTC')
    {%- elif period == 'day' -%}
        toDateTime(({{ number }}) * 86400, 'UTC')
    {%- elif period == 'week' -%}
        toDateTime(
            (({{ number }}) * 7 - {{ 4 if week_start == 'sunday' else 3 }}) * 86400,
            'UTC'
        )
    {%- elif period == 'month' -%}
        toDateTime(
            makeDate(
                intDiv({{ number }} - 1, 12), ({{ number }} - 1) % 12 + 1, 1
            ),
            'UTC'
        )
    {%- endif -%}
{%- endmacro %}

{# A moment for a question: milliseconds from a reader, or SQL from a model. #}
{% macro q_moment_or_sql(moment) -%}
    {{ moment if moment is string else q_moment(moment) }}
{%- endmacro %}
