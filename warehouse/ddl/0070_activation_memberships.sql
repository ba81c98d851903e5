-- One row per platform, remote set, person and stay in it, as acknowledged. Nobody writes it: it is a view of activation.moves.
create view activation.memberships as
with

-- what was said twice after a crash counts once
moves_told as (

    select distinct
        platform,
        audience,
        remote_id,
        person_id,
        toString(action) as action,
        turn,
        toString(because) as because

    from activation.moves

),

next_moves_found as (

    select
        *,
        leadInFrame(action) over in_order as next_action,
        leadInFrame(turn) over in_order as next_turn

    from moves_told

    window in_order as (
        partition by platform, audience, remote_id, person_id
        order by turn
        rows between current row and 1 following
    )

),

-- an exchange empties a set a microsecond before it fills it: who is in both stays
last_moves_found as (

    select
        *,
        lagInFrame(action) over in_order as last_action

    from next_moves_found

    where not (
        action = 'remove' and next_action = 'add' and next_turn = turn + 1
    )

    window in_order as (
        partition by platform, audience, remote_id, person_id
        order by turn
        rows between 1 preceding and current row
    )

),

ends_found as (

    select
        *,
        leadInFrame(turn) over in_order as left_turn,
        leadInFrame(because) over in_order as left_because

    from last_moves_found

    where action != last_action

    window in_order as (
        partition by platform, audience, remote_id, person_id
        order by turn
        rows between current row and 1 following
    )

)

select
    platform,
    audience,
    remote_id,
    person_id,
    fromUnixTimestamp64Micro(toInt64(turn), 'UTC') as entered_at,
    if(
        left_turn = 0, null, fromUnixTimestamp64Micro(toInt64(left_turn), 'UTC')
    ) as left_at,
    because as entered_because,
    left_because

from ends_found

where action = 'add'
