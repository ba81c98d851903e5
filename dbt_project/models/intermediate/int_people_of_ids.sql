{# One row per id that is another's: a device that names one person, or an alias. #}
{{ config(order_by='own_id') }}
with

links as (

    select
        id,
        person_id

    from {{ ref('int_identity_links') }}

),

devices as (

    select
        anonymous_id,
        user_id,
        is_declared

    from {{ ref('int_identity_map') }}

    where valid_to is null

),

-- two users of a device who were declared one person are one
people_of_devices as (

    select
        devices.anonymous_id as anonymous_id,
        devices.is_declared as is_declared,
        if(links.id = '', devices.user_id, links.person_id) as person_id

    from devices
    left join links on devices.user_id = links.id

),

-- what was declared of a device goes before what its events tell
devices_judged as (

    select
        anonymous_id,
        max(is_declared) as was_told,
        if(was_told, minIf(person_id, is_declared), min(person_id)) as first_person,
        if(was_told, maxIf(person_id, is_declared), max(person_id)) as last_person

    from people_of_devices

    group by anonymous_id

),

ids_listed as (

    select
        concat('anon:', anonymous_id) as own_id,
        first_person as person_id

    from devices_judged

    where first_person = last_person

    union all

    select
        id as own_id,
        person_id

    from links

)

select * from ids_listed
