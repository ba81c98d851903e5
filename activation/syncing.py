"""Bring one audience at one platform to exactly who shall be in it.

What was begun is settled first. Then who shall be there is written down, compared with
the ledger, and the plan committed before anything is sent; removals go first. Whatever
ends a push early, the next one goes on from the ledger.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from activation.destinations.protocol import Replaces, Wanted
from activation.differing import WITHDREW, Comparison, differences, held
from activation.in_turn import looked_at, sent_in_turn
from activation.ledger import (
    DROPPED,
    FINISHED,
    OF_SHELF,
    REMOVE,
    REPLACE,
    Batch,
    Plan,
    Shelf,
    changed,
    is_filled_by_us,
    last_remote_id,
    next_plan,
    open_batches,
    write_emptied,
    write_gone,
    write_plan,
)
from activation.outbox import Changes, changes_of, commit, write_outbox
from activation.preparing import Prepared, Unnameable, prepared_ahead
from activation.replacing import replace_whole
from activation.rim import Rim
from activation.sending import Sender
from activation.settling import settle
from activation.wanting import Wants, forget_desired, write_desired
from warehouse.clickhouse import rows
from warehouse.errors import Unavailable

GUARDED_FROM = 50
"""Sets of fewer people may shrink as they like: a share of them is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a push shall bring about.

    A plan that takes out more than `most_leaving` of a set, of people who fit no longer
    but may still be sent, is stopped; 1 stops none. `exchanges_all` makes the set anew
    whatever the ledger knows of it.
    """

    audience: str
    meaning: str
    as_of: date
    wants: Wants
    minimum_size: int = 1
    with_values: bool = False
    most_leaving: float = 0.5
    only_withdrawals: bool = False
    exchanges_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a push came to; counts are people unless said otherwise."""

    remote_id: str = ""
    sendable: int = 0
    desired: int = 0
    sent: int = 0
    removed: int = 0
    held: int = 0
    waiting: int = 0
    received: int = 0
    """Rows, as the platform counts them."""
    invalid: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    match_rate: str = ""
    was_made_anew: bool = False
    is_strange: bool = False
    """Whether there was a set that was not filled from this ledger."""
    held_back: int = 0
    """People whom the guard kept from being taken out; 0 where it stopped nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A plan that nobody has heard of yet."""

    plan: Plan
    changes: Changes
    held_back: int


def sync(sender: Sender, order: Order) -> Synced:
    """Make the set at the destination what it shall be, or say what still waits.

    Raises Unavailable and DestinationRefused as the destination does: what was
    acknowledged until then stays so.
    """
    rim, destination = sender.rim, sender.destination
    shelf = Shelf(platform=destination.platform, audience=order.audience)
    settle(sender, shelf)
    _require_no_exchange(sender, shelf)
    known = last_remote_id(rim, shelf)
    wanted = Wanted(
        audience=order.audience,
        meaning=order.meaning,
        remote_id=known,
        with_values=order.with_values,
    )
    shelf = replace(shelf, remote_id=destination.find(wanted))
    if known not in {"", shelf.remote_id}:
        write_gone(rim, replace(shelf, remote_id=known))
    compared, sendable = _compared(
        rim, shelf, order, refresh_after=destination.limits.refresh_after
    )
    is_strange = _is_strange(sender, shelf)
    is_nothing_due = order.only_withdrawals or not compared.desired
    if is_nothing_due and (is_strange or not shelf.remote_id):
        return Synced(sendable=sendable, is_strange=is_strange)
    if not shelf.remote_id:
        shelf = replace(shelf, remote_id=destination.make(wanted))
        # a platform may give an id twice
        write_emptied(rim, shelf, compared.plan)
    intent = _intent(rim, shelf, order, compared)
    is_wanted_anew = is_strange or (order.exchanges_all and not is_nothing_due)
    bring_about = _exchanged if is_wanted_anew and not intent.held_back else _patched
    return replace(
        bring_about(sender, intent),
        sendable=sendable,
        held=held(rim, shelf),
        was_made_anew=known not in {"", shelf.remote_id},
        is_strange=is_strange,
    )


def _is_strange(sender: Sender, shelf: Shelf) -> bool:
    """Whether there is a set that may hold people of whom the ledger knows nothing.

    A destination that can't exchange sets is taken at the ledger's word.
    """
    can_exchange = isinstance(sender.destination, Replaces)
    return bool(
        shelf.remote_id and can_exchange and not is_filled_by_us(sender.rim, shelf)
    )


def _exchanged(sender: Sender, intent: Intent) -> Synced:
    """Make the set anew, where nobody can say who is in it."""
    plan = commit(sender.rim, intent.plan, [])
    batch = Batch(
        shelf=plan.shelf,
        plan=plan.plan,
        batch=0,
        action=REPLACE,
        people=plan.desired,
    )
    ended = looked_at(sender, replace_whole(sender, batch))
    write_plan(sender.rim, replace(plan, state=FINISHED))
    return _told(intent, [ended])


def _patched(sender: Sender, intent: Intent) -> Synced:
    """Take out and put in whoever makes the difference."""
    rim = sender.rim
    batches = write_outbox(
        rim, intent.plan, intent.changes, sender.destination.limits.members_a_batch
    )
    # who is planned stands in the outbox: no need to hold a million entries meanwhile
    intent = replace(intent, changes=Changes(waiting=intent.changes.waiting))
    with prepared_ahead(rim, sender.identity_of, batches) as coming:
        plan = commit(rim, intent.plan, batches)
        ended = _all_sent(sender, plan, batches, coming)
    write_plan(rim, replace(plan, state=FINISHED))
    return _told(intent, ended)


def _require_no_exchange(sender: Sender, shelf: Shelf) -> None:
    """Raise Unavailable while a set is being exchanged: nothing in it is known."""
    if any(one.action == REPLACE for one in open_batches(sender.rim, shelf)):
        wait = sender.destination.limits.settles_after
        raise Unavailable(
            f"{shelf.platform} is still exchanging the whole of {shelf.audience}."
            " The next push goes on when that is done.",
            wait_s=wait.total_seconds(),
        )


def rehearse(rim: Rim, platform: str, order: Order) -> Synced:
    """What a push would do, as far as the ledger knows; calls nobody."""
    shelf = Shelf(platform=platform, audience=order.audience)
    shelf = replace(shelf, remote_id=last_remote_id(rim, shelf))
    compared, sendable = _compared(rim, shelf, order)
    intent = _intent(rim, shelf, order, compared)
    coming = compared.desired if order.exchanges_all else len(intent.changes.additions)
    return Synced(
        remote_id=shelf.remote_id,
        sendable=sendable,
        desired=compared.desired,
        sent=coming,
        removed=len(intent.changes.removals),
        held=compared.held,
        waiting=intent.changes.waiting,
        held_back=intent.held_back,
    )


def _compared(
    rim: Rim, shelf: Shelf, order: Order, refresh_after: timedelta | None = None
) -> tuple[Comparison, int]:
    """What the set is compared with, and how many people could be sent.

    Too few people name each other: then nobody shall be in the set.
    """
    turn = next_plan(rim, shelf)
    sendable = write_desired(rim, shelf, turn, order.wants)
    is_enough = sendable >= order.minimum_size
    if not is_enough:
        forget_desired(rim, shelf)
    comparison = Comparison(
        plan=turn,
        desired=sendable if is_enough else 0,
        held=held(rim, shelf),
        with_values=order.with_values,
        refresh_after=refresh_after,
    )
    return comparison, sendable


def _intent(rim: Rim, shelf: Shelf, order: Order, compared: Comparison) -> Intent:
    changes = changes_of(differences(rim, shelf, compared))
    held_back = 0
    is_guarded = compared.held >= GUARDED_FROM and not order.only_withdrawals
    if is_guarded and changes.leaving > order.most_leaving * compared.held:
        held_back = changes.leaving
    if held_back or order.only_withdrawals:
        # who withdrew leaves whatever else looks wrong
        changes = Changes(
            removals=[one for one in changes.removals if one.because == WITHDREW],
            waiting=changes.waiting,
        )
    plan = Plan(
        shelf=shelf, plan=compared.plan, as_of=order.as_of, desired=compared.desired
    )
    return Intent(plan=plan, changes=changes, held_back=held_back)


def _all_sent(
    sender: Sender, plan: Plan, batches: Sequence[Batch], coming: Iterator[Prepared]
) -> list[Batch]:
    """Every batch as it stands once all have been sent, removals before additions."""
    rim, removals = sender.rim, sum(one.action == REMOVE for one in batches)
    ended: list[Batch] = []
    # where nothing is left open, the first addition is noted during the last removal
    is_open = not sender.destination.limits.works_at_once
    first = itertools.islice(coming, removals) if is_open else coming
    try:
        ended.extend(sent_in_turn(sender, first, frozenset()))
    except Unnameable:
        whole = replace(batches[-1], people=plan.desired)
        left = batches[len(ended) :]
        ended.append(looked_at(sender, replace_whole(sender, whole)))
        return ended + [changed(rim, one, state=DROPPED) for one in left]
    if len(batches) > len(ended):
        blocked = _blocked(rim, plan.shelf)
        ended.extend(sent_in_turn(sender, coming, blocked))
    return ended


def _blocked(rim: Rim, shelf: Shelf) -> frozenset[bytes]:
    """What names the people whose removal the platform has yet to carry out.

    It promises no order: who shares one of these waits until that is done.
    """
    found = rows(
        rim.client,
        f"""
        select distinct arrayJoin(naming) as named
        from activation.sent
        where {OF_SHELF} and person_id in (
            select person_id from activation.outbox
            where {OF_SHELF} and (plan, batch) in (
                select plan, batch from activation.batches final
                where {OF_SHELF} and state = 'taken' and action = 'remove'
            )
        )
        """,
        shelf.bound,
    )
    return frozenset(row["named"] for row in found)


def _told(intent: Intent, ended: Sequence[Batch]) -> Synced:
    """What the batches came to, in sum."""
    reasons: Counter[str] = Counter()
    for one in ended:
        reasons.update(one.reasons)
    sent = [one for one in ended if one.state != DROPPED and one.action != REMOVE]
    rates = [one.match_rate for one in sent if one.match_rate]
    removed = [one for one in ended if one.state != DROPPED and one.action == REMOVE]
    return Synced(
        remote_id=intent.plan.shelf.remote_id,
        desired=intent.plan.desired,
        sent=sum(one.people for one in sent),
        removed=sum(one.people for one in removed),
        waiting=intent.changes.waiting,
        received=sum(one.received for one in sent),
        invalid=sum(one.invalid for one in ended),
        reasons=dict(reasons),
        match_rate=rates[-1] if rates else "",
        held_back=intent.held_back,
    )
