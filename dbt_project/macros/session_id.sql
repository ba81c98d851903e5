{# A session's key as it is shown: its sixteen bytes as text, in hexadecimal. #}
{% macro session_id(session_key) -%}
    lower(hex(reinterpretAsFixedString({{ session_key }})))
{%- endmacro %}
