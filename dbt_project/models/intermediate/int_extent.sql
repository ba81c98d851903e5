{# One row: from when and until when events are known. #}
{# a table, because many read it and all events must be looked through for it #}
with

events as (

    select known_at

    from {{ ref('stg_events') }}

),

extent_measured as (

    select
        min(known_at) as first_known_at,
        max(known_at) as last_known_at

    from events

)

select * from extent_measured
