"""What keeps a remote set from being what it shall be, person by person.

SQL finds whom anything is open about; `decide` then says what to do with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from activation.consent import ALLOWED
from activation.ledger import OF_SHELF, Shelf
from activation.rim import Rim
from warehouse.clickhouse import rows

ENTERED, LEFT, WITHDREW = "entered", "left", "withdrew"
CHANGED, AGED, UNSURE, SHARES = "changed", "aged", "unsure", "shares"
NOTHING, WAITS = "", "waits"
VALUE_DRIFT = 0.1
"""Values are sent again when they have moved by this share of what was sent."""
_PEOPLE_A_SLICE = 250_000


class Standing(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A person of whom something is open at a remote set.

    `identities` counts what was sent and not taken out, `ever_sent` all that was sent;
    `is_same` says that all that is there is what the vault knows now. `part_of` is how
    many were in the batch, if the platform carried out only a part of it.
    """

    person_id: str
    is_desired: bool
    is_allowed: bool
    mark: bytes
    value: float | None
    identities: int
    ever_sent: int
    is_same: bool
    is_sure: bool
    is_fresh: bool
    is_worth_the_same: bool
    is_refused: bool
    part_of: int
    addition_is_open: bool
    removal_is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a person; a reason that is empty means not to."""

    remove_because: str = NOTHING
    add_because: str = NOTHING
    is_early: bool = False
    waits: bool = False


def decide(one: Standing) -> Decision:
    """What brings a person to where they shall be.

    While a removal is open nothing else can be known to last, so that the person
    waits. Who shall go while an addition is open is removed now, and once more later:
    a platform promises no order.
    """
    if one.removal_is_open:
        return Decision(waits=True)
    if one.is_desired:
        return _of_desired(one)
    if not one.identities:
        return Decision()
    because = LEFT if one.is_allowed else WITHDREW
    return Decision(remove_because=because, is_early=one.addition_is_open)


def _of_desired(one: Standing) -> Decision:  # noqa: PLR0911 - a ladder of reasons
    if one.is_refused:
        return Decision()
    if not one.identities:
        return Decision(add_because=ENTERED)
    if not one.is_same:
        return Decision(
            remove_because=CHANGED,
            add_because=CHANGED,
            is_early=one.addition_is_open,
        )
    if one.addition_is_open:
        return Decision()
    if not one.is_worth_the_same:
        return Decision(add_because=CHANGED)
    if one.is_sure and one.is_fresh:
        return Decision()
    return Decision(add_because=AGED if one.is_sure else UNSURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is compared with the set: the desired people of a plan, so many.

    `held` are in the set before it.
    """

    plan: int
    desired: int
    held: int
    with_values: bool = False
    refresh_after: timedelta | None = None


def differences(rim: Rim, shelf: Shelf, comparison: Comparison) -> Iterator[Standing]:
    """Everybody of whom something is open; who is surely in and right is left out.

    Goes through people slice by slice, so that memory does not grow with them.
    """
    most = max(comparison.held, comparison.desired)
    slices = most // _PEOPLE_A_SLICE + 1
    age = (comparison.refresh_after or timedelta()) // timedelta(microseconds=1)
    oldest = max(comparison.plan - age, 0) if age else 0
    for number in range(slices):
        found = rows(
            rim.client,
            _DIFFERENCES,
            shelf.bound
            | {
                "plan": comparison.plan,
                "slices": slices,
                "slice": number,
                "oldest": oldest,
                "with_values": int(comparison.with_values),
            },
        )
        yield from (_standing(row) for row in found)


def sharing(rim: Rim, shelf: Shelf, plan: int) -> list[tuple[str, bytes, float | None]]:
    """People of the desired set whom this plan's removals will take along.

    A platform finds people by any identifier: who shares one with somebody that leaves
    must be sent again. Each with the mark and the value that they shall have.
    """
    found = rows(
        rim.client,
        _SHARING,
        shelf.bound | {"plan": plan},
    )
    return [(row["person_id"], row["mark"], row["value"]) for row in found]


def held(rim: Rim, shelf: Shelf) -> int:
    """People who are in the set, or may be, as far as the ledger knows."""
    return int(rows(rim.client, _HELD, shelf.bound)[0]["people"])


def held_people(rim: Rim, shelf: Shelf) -> set[str]:
    """Who they are."""
    query = _HELD.replace("count() as people", "sent.person_id as person_id")
    return {row["person_id"] for row in rows(rim.client, query, shelf.bound)}


def _standing(row: dict[str, Any]) -> Standing:
    flags = ("desired", "allowed", "same", "sure", "fresh", "refused")
    return Standing(
        person_id=row["person_id"],
        mark=row["mark"],
        value=row["value"],
        identities=row["identities"],
        ever_sent=row["ever_sent"],
        is_worth_the_same=bool(row["is_worth_the_same"]),
        part_of=row["part_of"],
        addition_is_open=bool(row["addition_is_open"]),
        removal_is_open=bool(row["removal_is_open"]),
        **{f"is_{flag}": bool(row[f"is_{flag}"]) for flag in flags},
    )


_SLICE = "cityHash64(person_id) % {slices:UInt64} = {slice:UInt64}"
_OPEN = f"""
select person_id, if(batches.action = 'remove', 'remove', 'add') as action
from activation.outbox
inner join (
    select plan, batch, action from activation.batches final
    where {OF_SHELF} and state in ('taken', 'sending')
) as batches using (plan, batch)
where {OF_SHELF} and {_SLICE}
"""
_PARTLY = f"""
select mapFromArrays(groupArray(turn), groupArray(people))
from activation.batches final
where {OF_SHELF} and state = 'partly'
"""
_GONE = f"""
select person_id, max(turn) as out_turn
from activation.acknowledged final
where {OF_SHELF} and action in ('remove', 'doubt')
group by person_id
"""
# who shares an identifier with somebody that was taken out since they were put in
_SHARED = f"""
select held.person_id as person_id, max(gone.out_turn) as shared_turn
from (
    select person_id, arrayJoin(naming) as named
    from activation.sent where {OF_SHELF} and {_SLICE}
) as held
inner join (
    select distinct sent.person_id as person_id, arrayJoin(naming) as named, out_turn
    from activation.sent as sent
    inner join ({_GONE}) as gone on gone.person_id = sent.person_id
    where {OF_SHELF}
) as gone on gone.named = held.named
where held.person_id != gone.person_id
group by person_id
"""
_NO_MARK = "toFixedString('', 16)"
# without names: a name of a column would hide the column
_NONE = "0, " + _NO_MARK + ", cast(null as Nullable(Float64))"
_FACTS = f"""
select
    person_id, 1 as is_desired, mark, value,
    '' as fact, 0 as turn, {_NO_MARK} as known, cast(null as Nullable(Float64)) as worth
from activation.desired
where platform = {{platform:String}} and audience = {{audience:String}}
    and plan = {{plan:UInt64}} and {_SLICE}
union all
select person_id, {_NONE}, 'sent', turn, mark, null
from activation.sent final
where {OF_SHELF} and {_SLICE}
union all
select person_id, {_NONE}, toString(action), turn, mark, value
from activation.acknowledged final
where {OF_SHELF} and {_SLICE}
union all
select person_id, {_NONE}, concat('open_', action), 1, {_NO_MARK}, null
from ({_OPEN})
union all
select person_id, {_NONE}, 'shared', shared_turn, {_NO_MARK}, null
from ({_SHARED})
"""
_DIFFERENCES = f"""
select
    *,
    is_desired = 0 and person_id in ({ALLOWED}) as is_allowed
from (
    select
        person_id,
        max(facts.is_desired) as is_desired,
        max(facts.mark) as mark,
        max(facts.value) as value,
        maxIf(turn, fact = 'remove') as removed_turn,
        arrayFilter(
            one -> one.1 > removed_turn, groupArrayIf((turn, known), fact = 'sent')
        ) as live,
        toUInt32(length(live)) as identities,
        toUInt32(countIf(fact = 'sent')) as ever_sent,
        arrayAll(one -> one.2 = mark, live) as is_same,
        maxIf(turn, fact = 'add') as added_turn,
        maxIf(turn, fact = 'doubt') as doubt_turn,
        maxIf(turn, fact = 'refuse') as refused_turn,
        maxIf(known, fact = 'refuse') as refused_mark,
        arrayMax(arrayMap(one -> one.1, live)) as live_turn,
        added_turn >= greatest(
            live_turn, doubt_turn, maxIf(turn, fact = 'shared')
        ) as is_sure,
        added_turn >= {{oldest:UInt64}} as is_fresh,
        refused_turn > 0 and refused_mark = mark
            and refused_turn >= live_turn as is_refused,
        {{with_values:UInt8}} = 0 or not is_sure or abs(
            ifNull(value, 0) - ifNull(maxIf(worth, fact = 'add'), 0)
        ) <= {VALUE_DRIFT} * abs(ifNull(maxIf(worth, fact = 'add'), 0))
            as is_worth_the_same,
        ({_PARTLY})[if(is_desired, live_turn, doubt_turn)] as part_of,
        countIf(fact = 'open_add') > 0 as addition_is_open,
        countIf(fact = 'open_remove') > 0 as removal_is_open
    from ({_FACTS}) as facts
    group by person_id
)
where (is_desired or identities > 0 or addition_is_open or removal_is_open)
    and not (
        is_desired and identities > 0 and is_same and is_sure and is_fresh
        and is_worth_the_same and not addition_is_open and not removal_is_open
    )
order by person_id
"""
_HELD = f"""
select count() as people
from (
    select person_id, max(turn) as sent_turn from activation.sent
    where {OF_SHELF} group by person_id
) as sent
left join (
    select person_id, max(turn) as removed_turn from activation.acknowledged
    where {OF_SHELF} and action = 'remove' group by person_id
) as gone on gone.person_id = sent.person_id
where sent_turn > removed_turn
"""
_SHARING = f"""
with
leaving as (
    select person_id from activation.outbox
    where {OF_SHELF} and plan = {{plan:UInt64}} and action = 'remove'
)
select person_id, mark, value
from activation.desired
where platform = {{platform:String}} and audience = {{audience:String}}
    and plan = {{plan:UInt64}}
    and person_id in (
        select person_id from (
            select person_id, arrayJoin(naming) as named
            from activation.sent where {OF_SHELF}
        )
        where named in (
            select arrayJoin(naming) from activation.sent
            where {OF_SHELF} and person_id in (leaving)
        )
    )
    and person_id not in (
        select person_id from activation.outbox
        where {OF_SHELF} and plan = {{plan:UInt64}}
    )
order by person_id
"""
