{# One row per device that named one person, with the time this was known. #}
{{ config(order_by='anonymous_id') }}
with

edges_found as (

    select
        anonymous_id,
        user_id,
        known_at

    from {{ ref('int_device_users') }}

),

devices_judged as (

    select
        anonymous_id,
        count() as people,
        argMin(user_id, (known_at, user_id)) as user_id,
        min(known_at) as valid_from,
        -- the moment a second person is known on the device, it names nobody
        arrayElementOrNull(arraySort(groupArray(known_at)), 2) as valid_to

    from edges_found

    group by anonymous_id

),

names_kept as (

    select
        anonymous_id,
        user_id,
        valid_from,
        valid_to

    from devices_judged

    where people = 1 or valid_from < valid_to

)

select * from names_kept
