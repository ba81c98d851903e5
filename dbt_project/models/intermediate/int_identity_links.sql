{# One row per user id that was declared, over any number of links, to be another's. #}
with

words as (

    select
        id,
        person_id,
        linked,
        known_at

    from {{ source('raw', 'identity_links') }}

),

-- the latest word on a link counts; of one moment, the cut
links_kept as (

    select
        id,
        person_id

    from words

    where id != person_id and not startsWith(id, 'anon:')

    group by
        id,
        person_id

    having argMax(linked, (known_at, not linked))

),

ids_listed as (

    select distinct arrayJoin([id, person_id]) as id

    from links_kept

),

ids_numbered as (

    select
        id,
        id in (select id from links_kept) as is_anothers,
        toUInt32(row_number() over (order by id)) as number

    from ids_listed

),

links_numbered as (

    select
        one.number as one,
        other.number as other

    from links_kept
    inner join ids_numbered as one on links_kept.id = one.id
    inner join ids_numbered as other on links_kept.person_id = other.id

),

-- every id begins as a part of its own, and each link makes two parts one: the same
-- parts in whatever order the links come, through chains and around circles
parts_joined as (

    select
        arrayFold(
            (parts, link) -> arrayMap(
                (part, one, other) -> if(
                    part = greatest(one, other), least(one, other), part
                ),
                parts,
                arrayWithConstant(length(parts), parts[link.1]),
                arrayWithConstant(length(parts), parts[link.2])
            ),
            (select groupArray((one, other)) from links_numbered),
            (select arraySort(groupArray(number)) from ids_numbered)
        ) as parts

),

parts_listed as (

    select
        number,
        part

    from parts_joined
    array join
        parts as part,
        arrayEnumerate(parts) as number

),

-- a part is the person whom nobody declared another's; of several, the first by name
people_named as (

    select
        ids_numbered.id as id,
        argMin(ids_numbered.id, (ids_numbered.is_anothers, ids_numbered.id))
            over (partition by parts_listed.part) as person_id

    from parts_listed
    inner join ids_numbered on parts_listed.number = ids_numbered.number

)

select *

from people_named

where id != person_id
