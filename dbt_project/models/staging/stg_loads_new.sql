{# One row per load that is not yet staged, or not all of it. #}
{{ config(order_by='loaded_at') }}
with

loads_counted as (

    select
        loaded_at,
        count() as copies

    from {{ source('raw', 'events') }}

    group by loaded_at

)

select *

from loads_counted
{% if not builds_whole() %}
    where (loaded_at, copies) not in (select (loaded_at, copies) from staging.stg_loads)
{% endif %}
