{#
  Questions are SQL templates: one macro each, in this folder. dbt calls them to build
  marts, and `warehouse.questions` renders the same text for `questlog ask`, cases and
  dashboards. So they use plain Jinja alone: parameters in, SQL out; no ref, var, run_query
  or adapter. Every value passes through one of these macros on its way into SQL.
#}

{# A text as a SQL literal, whatever is in it. #}
{% macro q_text(value) -%}
    '{{ (value | string) | replace("\\", "\\\\") | replace("'", "\\'") }}'
{%- endmacro %}

{# Texts as a SQL array. #}
{% macro q_texts(values) -%}
    [{% for value in values %}{{ q_text(value) }}{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}

{# A whole number as a SQL literal. #}
{% macro q_whole(value) -%}
    {{ value | int }}
{%- endmacro %}

{# A moment, in milliseconds since 1970 UTC, as a SQL literal. #}
{% macro q_moment(milliseconds) -%}
    fromUnixTimestamp64Milli(toInt64({{ milliseconds | int }}), 'UTC')
{%- endmacro %}
