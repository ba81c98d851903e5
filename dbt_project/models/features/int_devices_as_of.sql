{# One row per device and user it named alone, with the as-of days it did so on. #}
{{ config(materialized='table', schema='intermediate', order_by='anonymous_id') }}
with

as_of_days as (

    select
        as_of,
        toDateTime64(as_of, 3, 'UTC') as as_of_moment

    from {{ ref('int_as_of_days') }}

),

links_listed as (

    select
        anonymous_id,
        groupArray((user_id, is_declared, valid_from, valid_to)) as links

    from {{ ref('int_identity_map') }}

    group by anonymous_id

),

-- whom each device named by what was known on each day, what was told going first
users_by_then as (

    select
        links_listed.anonymous_id as anonymous_id,
        as_of_days.as_of as as_of,
        arrayFilter(
            link -> link.3 < as_of_days.as_of_moment
            and (isNull(link.4) or as_of_days.as_of_moment <= link.4),
            links_listed.links
        ) as valid_links,
        arrayFilter(link -> link.2, valid_links) as declared_links,
        arrayDistinct(
            arrayMap(
                link -> link.1,
                if(empty(declared_links), valid_links, declared_links)
            )
        ) as user_ids

    from links_listed
    cross join as_of_days

),

-- a device that named several belongs to none of them
days_listed as (

    select
        anonymous_id,
        user_ids[1] as user_id,
        groupArray(as_of) as days

    from users_by_then

    where length(user_ids) = 1

    group by
        anonymous_id,
        user_id

)

select * from days_listed
