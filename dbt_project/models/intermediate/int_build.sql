{# One row: which run last made the marts whole or followed the changes, from what. #}
{{ config(pre_hook='{{ tests_pass() }}') }}
-- depends_on: {{ ref('int_changes_followed') }}
-- depends_on: {{ ref('dim_rfm') }}
-- depends_on: {{ ref('fct_activation_funnel') }}
-- depends_on: {{ ref('fct_daily_events') }}
-- depends_on: {{ ref('fct_weekly_retention') }}
-- depends_on: {{ ref('fct_attribution') }}
-- depends_on: {{ ref('fct_attribution_paths') }}
-- depends_on: {{ ref('fct_cohort_revenue') }}
-- depends_on: {{ ref('fct_daily_metrics') }}
-- depends_on: {{ ref('fct_feature_adoption') }}
-- depends_on: {{ ref('fct_lifecycle') }}
-- depends_on: {{ ref('fct_paths') }}
-- depends_on: {{ ref('fct_stickiness') }}
select
    '{{ invocation_id }}' as run_id,
    (select built_by from {{ ref('stg_build') }}) as staged_by,
    '{{ meaning(["staging", "intermediate", "marts"]) if execute }}' as meaning
