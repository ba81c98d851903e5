{# One row per event, with the person it belongs to. #}
{{ config(materialized='view', settings={}) }}
with

{{ events_identified(ref('int_people_of_ids'), 'left') }}

select * from people_named
