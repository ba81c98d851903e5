{# One row per load that is staged. Written when all of it is. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='loaded_at',
    pre_hook='{{ forget_new_loads() }}'
) }}
-- depends_on: {{ ref('stg_events') }}
-- depends_on: {{ ref('stg_changes') }}
-- depends_on: {{ ref('stg_payments') }}
-- depends_on: {{ ref('stg_consents') }}
-- depends_on: {{ ref('int_event_id_conflicts') }}
with

loads_new as (

    select
        loaded_at,
        copies

    from {{ ref('stg_loads_new') }}

)

select * from loads_new
