{# One row per id that may be another's: a device that named a user, or an alias. #}
{{ config(order_by='own_id') }}
with

devices as (

    select
        anonymous_id,
        user_id,
        valid_from,
        valid_to

    from {{ ref('int_identity_map') }}

),

links as (

    select
        id,
        person_id

    from {{ ref('int_identity_links') }}

),

ids_listed as (

    select
        concat('anon:', anonymous_id) as own_id,
        if(valid_to is null, user_id, own_id) as named_id,
        user_id as device_user_id,
        valid_from as device_valid_from,
        valid_to as device_valid_to

    from devices

    union all

    select
        id as own_id,
        id as named_id,
        '' as device_user_id,
        toDateTime64(0, 3, 'UTC') as device_valid_from,
        null as device_valid_to

    from links

    where id not in (select concat('anon:', anonymous_id) from devices)

),

people_linked as (

    select
        ids_listed.own_id as own_id,
        if(links.id = '', ids_listed.named_id, links.person_id) as person_id,
        ids_listed.device_user_id as device_user_id,
        ids_listed.device_valid_from as device_valid_from,
        ids_listed.device_valid_to as device_valid_to

    from ids_listed
    left join links on ids_listed.named_id = links.id

)

select * from people_linked
