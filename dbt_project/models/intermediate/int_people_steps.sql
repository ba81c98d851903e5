{# One row per person who took the first step of the activation funnel. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
{%- set steps = [] -%}
{%- for name in var('activation_steps') -%}
    {%- do steps.append({'event': name, 'where': none}) -%}
{%- endfor -%}
with

events as (

    select
        person_id as person_key,
        event_name,
        occurred_at,
        rank_time

    from {{ ref('int_events_sessionized') }}

),

{{ funnel_people(
    'events', steps, 'ordered', var('funnel_window_ms'), [], none, none
) }},

columns_named as (

    select
        person_key as person_id,
        toUInt8(reached) as steps_reached,
        taken

    from people_followed

)

select * from columns_named
