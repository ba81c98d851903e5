{# One row per page view, with its session and its place in it. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(viewed_on, session_id, place_in_session)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        event_id,
        person_key,
        person_id,
        session_id,
        occurred_at,
        rank_time,
        properties

    from {{ ref('fct_events') }}

    where
        event_name = 'page_viewed'
    {{ of_touched_people('and', 'person_key', written=ref('fct_events')) }}

),

-- one reading of the text for all its words
properties_read as (

    select
        * except (properties),
        JSONExtract(
            properties,
            'Tuple(path String, url String, referrer String, utm_source String,
            utm_medium String, utm_campaign String)'
        ) as page

    from events

),

pages_named as (

    select
        event_id,
        person_key,
        person_id,
        session_id,
        occurred_at,
        rank_time,
        tupleElement(page, 'path') as path,
        domain(tupleElement(page, 'url')) as host,
        domain(tupleElement(page, 'referrer')) as found_host,
        -- another page of the same site is no referrer
        if(found_host = host, '', found_host) as referrer_host,
        tupleElement(page, 'utm_source') as utm_source,
        tupleElement(page, 'utm_medium') as utm_medium,
        tupleElement(page, 'utm_campaign') as utm_campaign

    from properties_read

),

places_found as (

    select
        event_id,
        person_id,
        session_id,
        toDate(occurred_at, {{ reporting_timezone() }}) as viewed_on,
        occurred_at,
        row_number() over in_session as place_in_session,
        leadInFrame(toNullable(occurred_at), 1, null) over in_session as next_at,
        path,
        host,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        toBool(place_in_session = 1) as is_entry,
        toBool(next_at is null) as is_exit,
        -- of the last page nobody knows when it was left: null
        dateDiff('millisecond', occurred_at, next_at) as viewed_ms

    from pages_named

    window in_session as (
        -- the person first: the events lie by person, and a number sorts faster
        partition by
            person_key,
            session_id
        order by rank_time
        rows between unbounded preceding and unbounded following
    )

)

select * except (next_at) from places_found
