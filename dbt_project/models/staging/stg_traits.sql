{# One row per event and trait that came with it. #}
{{ config(materialized='view', settings={}) }}
with

events as (

    select
        event_id,
        own_key,
        user_properties

    from {{ ref('stg_events') }}

    where user_properties not in ('', '{}')

),

traits_listed as (

    select
        event_id,
        own_key,
        arrayJoin(JSONExtractKeysAndValuesRaw(user_properties)) as pair,
        pair.1 as trait,
        pair.2 as written

    from events

),

values_read as (

    select
        event_id,
        own_key,
        trait,
        if(startsWith(written, '"'), JSONExtractString(written), written) as value

    from traits_listed

    -- null says nothing about the person
    where written != 'null'

)

select * from values_read
