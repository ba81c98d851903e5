{# One row per id that somebody declared to be another person's. #}
with

links as (

    select
        id,
        person_id,
        linked,
        known_at

    from {{ source('raw', 'identity_links') }}

),

-- the latest word counts
latest_kept as (

    select *

    from links

    order by
        id asc,
        known_at desc,
        person_id desc

    limit 1 by id

),

linked_kept as (

    select
        id,
        person_id

    from latest_kept

    where linked

)

select * from linked_kept
