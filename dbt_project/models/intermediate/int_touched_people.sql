{# One row per person that this run computes again: whose events or ids changed. #}
{{ config(order_by='person_id') }}
-- depends_on: {{ ref('int_changes_new') }}
with

{% if builds_whole() %}

    people_listed as (

        select person_id

        from {{ ref('int_people_of_ids') }}

        where false

    )

{% else %}

    changes as (

        select own_id

        from {{ ref('int_changes_new') }}

    ),

    ids as (

        select
            own_id,
            person_id as is_now

        from {{ ref('int_people_of_ids') }}

    ),

    -- whom the ids were when the marts were last made; no run changes this but whole
    ids_followed as (

        select
            own_id,
            person_id as was_then

        from intermediate.int_identity_followed

    ),

    ids_touched as (

        select own_id from changes

        union distinct

        select if(ids.own_id = '', ids_followed.own_id, ids.own_id) as own_id

        from ids
        full outer join ids_followed on ids.own_id = ids_followed.own_id

        where ids.is_now != ids_followed.was_then

    ),

    -- both whom they were and whom they are
    people_listed as (

        select if(ids.own_id = '', ids_touched.own_id, ids.person_id) as person_id

        from ids_touched
        left join {{ ref('int_people_of_ids') }} as ids
            on ids_touched.own_id = ids.own_id

        union distinct

        select if(ids.own_id = '', ids_touched.own_id, ids.person_id) as person_id

        from ids_touched
        left join intermediate.int_identity_followed as ids
            on ids_touched.own_id = ids.own_id

        union distinct

        -- a run that was killed may have left events with whom it took for them
        select person_id

        from intermediate.int_touched_people

        where run_id not in (select run_id from intermediate.int_build)

    )

{% endif %}

select
    '{{ invocation_id }}' as run_id,
    person_id,
    sipHash64(person_id) as person_key

from people_listed
