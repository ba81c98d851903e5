{# One row: which run built staging whole, and under which meaning. #}
{{ config(pre_hook='{{ tests_pass() }}') }}
-- depends_on: {{ ref('stg_loads') }}
-- depends_on: {{ ref('stg_exchange_rates') }}
-- depends_on: {{ ref('bot_rules') }}
-- depends_on: {{ ref('channel_rules') }}
-- depends_on: {{ ref('currency_digits') }}
-- depends_on: {{ ref('exchange_rates') }}
-- depends_on: {{ ref('passive_events') }}
-- depends_on: {{ ref('rfm_segments') }}
{% set as_before = "(select built_by from staging.stg_build)" %}
{% set built_by = "'" ~ invocation_id ~ "'" if builds_whole() else as_before %}
select
    {{ built_by }} as built_by,
    '{{ meaning(["staging"]) if execute }}' as meaning
