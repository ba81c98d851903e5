{# One row per event id that came again after its rows were let go. #}
{{ config(order_by='event_id', query_settings={'join_algorithm': 'grace_hash'}) }}
-- depends_on: {{ ref('stg_loads_new') }}
-- depends_on: {{ ref('stg_doubted_copies') }}
with

-- of all ids ever let go only these are asked for: an increment brings few
came_again as (

    {% if builds_whole() %}
        select distinct copies.event_id as event_id
        from {{ source('raw', 'events') }} as copies
        inner join
            {{ source('raw', 'expired_ids') }} as expired
            on copies.event_id = expired.event_id
    {% else %}
        select distinct event_id
        from {{ source('raw', 'expired_ids') }}
        where
            event_id in (
                select event_id
                from {{ source('raw', 'events') }}
                where loaded_at in (select loaded_at from {{ ref('stg_loads_new') }})
                union all
                select event_id
                from {{ ref('stg_doubted_copies') }}
            )
    {% endif %}

)

select * from came_again
