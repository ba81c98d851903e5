{# What reports are cut by: the same settings as warehouse/settings.py. #}

{# Time zone of calendar days and weeks, as a SQL string. #}
{% macro reporting_timezone() -%}
    '{{ env_var("REPORTING_TIMEZONE", "") or "UTC" }}'
{%- endmacro %}

{# Currency of reports, as a SQL string. #}
{% macro reporting_currency() -%}
    '{{ env_var("REPORTING_CURRENCY", "") or "EUR" }}'
{%- endmacro %}

{# Whether analytics is allowed until a person decides, as SQL. #}
{% macro analytics_consent_default() -%}
    {{
        (env_var("ANALYTICS_CONSENT_DEFAULT", "") or "true") | lower
        in ["1", "true", "yes", "on"]
    }}
{%- endmacro %}
