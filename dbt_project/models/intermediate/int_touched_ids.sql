{# One row per id whose events belong to a person that this run computes again. #}
{{ config(order_by='own_key') }}
with

people as (

    select person_id

    from {{ ref('int_touched_people') }}

),

ids as (

    select
        own_id,
        person_id

    from {{ ref('int_people_of_ids') }}

),

ids_listed as (

    select
        own_id,
        person_id

    from ids

    where person_id in (select person_id from people)

    union all

    -- who is nobody else's stands for themselves
    select
        person_id as own_id,
        person_id

    from people

    where person_id not in (select own_id from ids)

)

select
    own_id,
    sipHash64(own_id) as own_key,
    person_id

from ids_listed
