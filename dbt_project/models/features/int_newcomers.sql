{# One row per user heard of for long enough: from when to when they are looked at. #}
{{ config(materialized='table', schema='intermediate', order_by='person_id') }}
with

as_of_days as (

    select max(as_of) as latest

    from {{ ref('int_as_of_days') }}

),

events as (

    select
        user_id,
        known_at

    from {{ ref('stg_events') }}

    where user_id != ''

),

-- of what becomes known later nothing can come before it: it never moves
first_heard as (

    select
        user_id as person_id,
        min(known_at) as first_known_at,
        first_known_at
        + toIntervalDay({{ var('newcomer_observed_days') }}) as as_of_moment

    from events

    group by person_id

),

observed_whole as (

    select
        first_heard.*,
        toDateTime64(as_of_days.latest, 3, 'UTC') as looked_at

    from first_heard
    cross join as_of_days

    where first_heard.as_of_moment <= looked_at

)

select * except (looked_at) from observed_whole
