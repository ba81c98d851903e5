{# One row per page view. #}
{{ config(materialized='view', settings={}) }}
with

page_views as (

    select
        event_id,
        own_key,
        occurred_at,
        known_at,
        properties

    from {{ ref('stg_events') }}

    where event_name = 'page_viewed'

),

properties_read as (

    select
        event_id,
        own_key,
        occurred_at,
        known_at,
        JSONExtractString(properties, 'url') as url,
        JSONExtractString(properties, 'path') as path,
        JSONExtractString(properties, 'title') as title,
        JSONExtractString(properties, 'referrer') as referrer,
        JSONExtractString(properties, 'utm_source') as utm_source,
        JSONExtractString(properties, 'utm_medium') as utm_medium,
        JSONExtractString(properties, 'utm_campaign') as utm_campaign,
        JSONExtractString(properties, 'utm_term') as utm_term,
        JSONExtractString(properties, 'utm_content') as utm_content

    from page_views

)

select * from properties_read
