{# One row per run of staging and id it changed that the marts have not followed. #}
{{ config(order_by='own_id') }}
with

changes as (

    select
        run_id,
        own_id

    from {{ ref('stg_changes') }}

)

select *

from changes
{% if not builds_whole() %}
    where run_id not in (select run_id from intermediate.int_changes_followed)
{% endif %}
