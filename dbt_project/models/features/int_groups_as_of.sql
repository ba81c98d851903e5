{# One row per as-of day and player: how many people the largest of their games had. #}
{# a table, as to find it beside all that people did would take the memory of both #}
{{ config(materialized='table', schema='intermediate', order_by='(as_of, player)') }}
with

events as (

    select
        as_of,
        person_id,
        days_ago,
        game_id

    from {{ ref('int_events_as_of') }}

),

games_sized as (

    select
        as_of,
        game_id,
        groupUniqArray(sipHash64(person_id)) as players

    from events

    where game_id != '' and days_ago between 1 and 56

    group by
        as_of,
        game_id

),

largest_groups_found as (

    select
        as_of,
        arrayJoin(players) as player,
        max(length(players)) as group_size_56

    from games_sized

    group by
        as_of,
        player

)

select * from largest_groups_found
