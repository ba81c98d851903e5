{# One row: from which day to which there are data. #}
{{ config(materialized='view') }}
with

events as (

    select known_at

    from {{ ref('stg_events') }}

),

days_bounded as (

    select
        toDate(min(known_at), 'UTC') as starts_on,
        -- the last day counts as whole: data end where the next one begins
        toDate(max(known_at), 'UTC') + 1 as ends_on,
        toDate(max(known_at), {{ reporting_timezone() }}) + 1 as reporting_ends_on

    from events

)

select * from days_bounded
