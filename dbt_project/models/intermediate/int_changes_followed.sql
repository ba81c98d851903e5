{# One row per run of staging that the marts have followed. Written when all have. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='run_id'
) }}
-- depends_on: {{ ref('int_identity_followed') }}
with

changes as (

    select run_id

    from {{ ref('int_changes_new') }}

)

select distinct run_id from changes
