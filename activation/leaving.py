"""Take people out of every audience, everywhere, and hear that it was done.

What `questlog erase` calls before it destroys a person's keys: afterwards nobody could
name them to a platform any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from activation.destinations.protocol import Destination, Erases
from activation.differing import WITHDREW
from activation.ledger import (
    FINISHED,
    GONE,
    OF_SHELF,
    REMOVE,
    TAKEN,
    Plan,
    Shelf,
    next_plan,
    open_batches,
    write_plan,
)
from activation.outbox import Changes, Entry, commit, write_outbox
from activation.preparing import prepared
from activation.rim import Rim
from activation.sealing import opened
from activation.sending import Sender, send
from activation.settling import ask
from activation.suppressing import suppress
from warehouse.clickhouse import rows
from warehouse.errors import BadSetting, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """People taken out of one remote set, as the platform acknowledged it.

    Holds no personal data. `identities` counts everything that was ever sent of them.
    """

    platform: str
    audience: str
    remote_id: str
    people: int
    identities: int


def remove_everywhere(
    rim: Rim,
    destinations: Sequence[Destination],
    person_ids: Sequence[str],
    because: str,
) -> list[Left]:
    """Take people out of every set of every platform by every identity ever sent.

    First they are suppressed: no push, whether it runs now or is tried again later,
    sends them any more. Then each remote set that ever had one of them is told to
    remove them, by all that was sent, also what has changed since. It returns a receipt
    for each set once every platform has acknowledged; with nobody ever sent, none.

    Raises Unavailable while a platform has not acknowledged yet, and DestinationRefused
    when one refuses; BadSetting when people were sent to a platform that is none of
    `destinations`. The same call goes on from there, and is safe to repeat after
    it has succeeded. Only then may the keys be destroyed. What the ledger keeps of them
    (`activation.*`, by `person_id`) is for the caller to delete afterwards.
    """
    suppress(rim, person_ids, because)
    leaving = {"person_ids": list(person_ids)}
    by_platform = {one.platform: one for one in destinations}
    left = [Left(**row) for row in rows(rim.client, _EVER_THERE, leaving)]
    unknown = {one.platform for one in left} - by_platform.keys()
    if unknown:
        raise BadSetting(
            f"People were sent to {', '.join(sorted(unknown))}, of which no account is"
            " set now: they can't be taken out there. Set it again, then repeat this."
        )
    waiting = [
        f"{one.audience} at {one.platform}"
        for one in left
        if not _is_out(rim, by_platform[one.platform], one, leaving)
    ]
    if waiting:
        raise Unavailable(
            f"Not acknowledged yet: {', '.join(waiting)}. The removal is under way;"
            " repeat the same call later."
        )
    return left


def _is_out(
    rim: Rim, destination: Destination, left: Left, leaving: dict[str, Any]
) -> bool:
    """Whether a set holds none of them, once it has been told to let them go."""
    shelf = Shelf(
        platform=left.platform, audience=left.audience, remote_id=left.remote_id
    )
    # nobody is named anew: people only leave
    sender = Sender(rim=rim, destination=destination, identity_of=lambda _: {})
    for batch in open_batches(rim, shelf):
        if batch.state == TAKEN:
            ask(sender, batch)
    there = _there(rim, shelf, leaving)
    if any(row["is_being_sent"] for row in there):
        raise Unavailable(
            f"A push of {left.audience} to {left.platform} is sending them just now."
            " Repeat the same call when it has ended, or after the next push if it"
            " was killed."
        )
    entries = [
        Entry(
            action=REMOVE,
            person_id=row["person_id"],
            because=WITHDREW,
            rows=row["identities"],
            is_early=bool(row["addition_is_open"]),
        )
        for row in there
        if not row["removal_is_open"]
    ]
    if entries:
        _send(sender, shelf, entries)
        _erase(rim, destination, shelf, leaving)
        there = _there(rim, shelf, leaving)
    return not there


def _send(sender: Sender, shelf: Shelf, entries: list[Entry]) -> None:
    rim, limits = sender.rim, sender.destination.limits
    turn = next_plan(rim, shelf)
    plan = Plan(shelf=shelf, plan=turn, as_of=rim.clock().date())
    changes = Changes(removals=entries)
    batches = write_outbox(rim, plan, changes, limits.members_a_batch)
    plan = commit(rim, plan, batches)
    for batch in batches:
        ready = prepared(rim, sender.identity_of, batch)
        sent = send(sender, ready, frozenset())
        if sent.state == TAKEN:
            ask(sender, sent)
    write_plan(rim, replace(plan, state=FINISHED))


def _erase(
    rim: Rim, destination: Destination, shelf: Shelf, leaving: dict[str, Any]
) -> None:
    """Where the platform can, out of everything else of the account too."""
    if not isinstance(destination, Erases):
        return
    found = rows(
        rim.client,
        f"select person_id, sealed from activation.sent final where {OF_SHELF}"
        " and person_id in {person_ids:Array(String)}",
        shelf.bound | leaving,
    )
    known = opened(rim, [(row["person_id"], row["sealed"]) for row in found])
    identities = [one for one in known if one is not None]
    if identities:
        destination.erase(identities)


def _there(rim: Rim, shelf: Shelf, leaving: dict[str, Any]) -> list[dict[str, Any]]:
    """Those who are in a set, or may be, as far as the ledger knows.

    Nobody is in a set that a push has found deleted, and nobody could be taken out.
    """
    return rows(rim.client, _THERE, shelf.bound | leaving)


_AMONG = "person_id in {person_ids:Array(String)}"
_EVER_THERE = f"""
select
    platform, audience, remote_id,
    uniqExact(person_id) as people,
    uniqExact(person_id, identity) as identities
from activation.sent
where {_AMONG}
group by platform, audience, remote_id
order by platform, audience, remote_id
"""
_OPEN = f"""
select
    person_id,
    countIf(batches.state = 'sending' and batches.action != 'remove') > 0
        as is_being_sent,
    countIf(batches.state = 'taken' and batches.action != 'remove') > 0
        as addition_is_open,
    countIf(batches.state = 'taken' and batches.action = 'remove') > 0
        as removal_is_open
from activation.outbox
inner join (
    select plan, batch, action, state from activation.batches final
    where {OF_SHELF} and state in ('taken', 'sending')
) as batches using (plan, batch)
where {OF_SHELF} and {_AMONG}
group by person_id
"""
_GONE = f"""
select max(turn) from activation.moves where {OF_SHELF} and because = '{GONE}'
"""
_THERE = f"""
select
    sent.person_id as person_id,
    identities, is_being_sent, addition_is_open, removal_is_open
from (
    select person_id, max(turn) as sent_turn, toUInt32(count()) as identities
    from activation.sent final
    where {OF_SHELF} and {_AMONG}
    group by person_id
) as sent
left join (
    select person_id, max(turn) as removed_turn
    from activation.acknowledged
    where {OF_SHELF} and {_AMONG} and action = 'remove'
    group by person_id
) as gone on gone.person_id = sent.person_id
left join ({_OPEN}) as batches on batches.person_id = sent.person_id
where sent_turn > greatest(removed_turn, ({_GONE}))
order by person_id
"""
