{# One row per event id of this run that came more than once. #}
{{ config(order_by='event_id') }}
-- depends_on: {{ ref('stg_loads_new') }}
with

copies as (

    select event_id

    from {{ ref('stg_event_copies') }}
    {% if not builds_whole() %}
        where
            event_id in (
                select event_id
                from {{ ref('stg_event_copies') }}
                where loaded_at in (select loaded_at from {{ ref('stg_loads_new') }})
            )
    {% endif %}

),

repeated_kept as (

    select event_id

    from copies

    group by event_id

    having count() > 1

)

select * from repeated_kept
