{# One row per device and user who was signed in on it. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(user_id, anonymous_id)',
    pre_hook='{{ forget_changed_users() }}'
) }}
-- depends_on: {{ ref('int_changes_new') }}
with

events as (

    select
        anonymous_id,
        user_id,
        known_at

    from {{ ref('stg_events') }}

    where
        anonymous_id != ''
        and user_id != ''
        {% if not builds_whole() %}
            and own_key in (
                select sipHash64(own_id) from {{ ref('int_changes_new') }}
            )
            and user_id in (select own_id from {{ ref('int_changes_new') }})
        {% endif %}

),

edges_found as (

    select
        anonymous_id,
        user_id,
        min(known_at) as known_at

    from events

    group by
        anonymous_id,
        user_id

)

select * from edges_found
