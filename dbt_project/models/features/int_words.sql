{# One row per word that events say of people, with the number it goes by. #}
{{ config(materialized='table', schema='intermediate') }}
with

events as (

    select
        plan,
        country,
        signup_method,
        device_type,
        campaign

    from {{ ref('stg_events') }}

),

said_together as (

    select distinct
        plan,
        country,
        signup_method,
        device_type,
        campaign

    from events

),

words_listed as (

    select distinct
        arrayJoin([
            plan, country, signup_method, toString(device_type), toString(campaign)
        ]) as word,
        sipHash64(word) as code

    from said_together

    where word != ''

)

select * from words_listed
