{# What a step, an exclusion or a returning event must look like. #}

{# The text of a property: a string without its quotes, anything else as JSON has it. #}
{% macro q_property(name) -%}
    if(
        JSONType(properties, {{ q_text(name) }}) = 'String',
        JSONExtractString(properties, {{ q_text(name) }}),
        JSONExtractRaw(properties, {{ q_text(name) }})
    )
{%- endmacro %}

{# Whether a property has one plain value. 5 and "5", true and "true" are the same. #}
{% macro q_property_is(name, value) -%}
    {%- if value is none -%}
    toString(JSONType(properties, {{ q_text(name) }})) in ('Null', '')
    {%- elif value is boolean -%}
    {{ q_property(name) }} = {{ q_text(value | lower) }}
    {%- elif value is number -%}
    toFloat64OrNull({{ q_property(name) }}) = {{ value }}
    {%- else -%}
    {{ q_property(name) }} = {{ q_text(value) }}
    {%- endif -%}
{%- endmacro %}

{# Whether a property has a value, or one of several. #}
{% macro q_property_any(name, value) -%}
    {%- if value is string or value is number or value is none -%}
    ifNull({{ q_property_is(name, value) }}, false)
    {%- else -%}
    ({% for one in value %}ifNull({{ q_property_is(name, one) }}, false)
    {{- ' or ' if not loop.last }}{% else %}false{% endfor %})
    {%- endif -%}
{%- endmacro %}

{# Whether a property compares as asked: {not, contains, above, at_least, …: operand}. #}
{% macro q_property_compares(name, comparison, operand) -%}
    {%- set signs = {'above': '>', 'at_least': '>=', 'below': '<', 'at_most': '<='} -%}
    {%- if comparison == 'not' -%}
    not {{ q_property_any(name, operand) }}
    {%- elif comparison == 'contains' -%}
    positionCaseInsensitiveUTF8({{ q_property(name) }}, {{ q_text(operand) }}) > 0
    {%- elif comparison == 'set' -%}
    ({{ q_property_is(name, none) }}) = {{ 'false' if operand else 'true' }}
    {%- else -%}
    ifNull(
        toFloat64OrNull({{ q_property(name) }}) {{ signs[comparison] }} {{ operand }},
        false
    )
    {%- endif -%}
{%- endmacro %}

{# Every filter of a `where`: {property: value, values or {comparison: operand}}. #}
{% macro q_where(where) -%}
    {%- for name, value in where.items() %}
    {%- if value is mapping %}
    {%- for comparison, operand in value.items() %}
    and {{ q_property_compares(name, comparison, operand) }}
    {%- endfor %}
    {%- else %}
    and {{ q_property_any(name, value) }}
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Whether a row is the event of a step; a step without a name takes any event. #}
{% macro q_is(step) -%}
    ({{ 'true' if step.event is none else 'event_name = ' ~ q_text(step.event) }}
    {{- q_where(step.where or {}) }})
{%- endmacro %}

{# Only rows that one of the steps can be: by name, as the table is sorted. #}
{% macro q_named_as(steps) -%}
    {%- if steps | selectattr('event', 'none') | list -%}
    true
    {%- else -%}
    event_name in {{ q_texts(steps | map(attribute='event') | unique | list) }}
    {%- endif -%}
{%- endmacro %}

{# Only rows of a span, both ends included; either may be none. Milliseconds. #}
{% macro q_between(date_from, date_to) -%}
    {%- if date_from is not none %}
    and occurred_at >= {{ q_moment(date_from) }}
    {%- endif %}
    {%- if date_to is not none %}
    and occurred_at <= {{ q_moment(date_to) }}
    {%- endif %}
{%- endmacro %}
