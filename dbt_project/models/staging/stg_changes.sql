{# One row per run and id it changed, until the marts have followed the run. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(run_id, own_id)',
    pre_hook='{{ forget_runs_followed() }}'
) }}
-- depends_on: {{ ref('stg_loads_new') }}
-- depends_on: {{ ref('stg_repeated_ids') }}
with

-- all copies of a repeated event: the one kept so far is among them
copies_new as (

    select own_id

    from {{ ref('stg_event_copies') }}

    where
        {% if builds_whole() %}
            -- what was built whole is followed whole
            false
        {% else %}
            loaded_at in (select loaded_at from {{ ref('stg_loads_new') }})
            or event_id in (select event_id from {{ ref('stg_repeated_ids') }})
        {% endif %}

),

ids_listed as (

    select distinct
        '{{ invocation_id }}' as run_id,
        own_id

    from copies_new

)

select * from ids_listed
