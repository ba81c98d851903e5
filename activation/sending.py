"""Send one batch of a plan: asked for consent once more, noted before and after.

What is about to be sent is in the ledger before the call, and what the platform said of
it afterwards. A crash between the two leaves a doubt, and a doubt is sent again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from activation.consent import STILL_ALLOWED
from activation.destinations.protocol import Answer, Destination, Member, Outcome
from activation.identifiers import Identifiers, Identity, is_usable
from activation.ledger import (
    ADD,
    DONE,
    DROPPED,
    FAILED,
    NO_MARK,
    OF_SHELF,
    PARTLY,
    REMOVE,
    REPLACE,
    SENDING,
    TAKEN,
    Batch,
    Said,
    changed,
    next_turn,
    write_emptied,
    write_said,
)
from activation.people import DIRECT, Person, identifiers_of, subject
from activation.rim import Rim
from activation.sealing import fingerprint, naming, opened, sealed
from activation.wanting import mark_of
from warehouse.clickhouse import rows
from warehouse.errors import Unavailable

DOUBT, REFUSE = "doubt", "refuse"
NO_IDENTIFIER = "no_identifier"
SMALLEST_PART = 16
_MARGIN = 10 * 60 * 1_000_000
"""How far back denials are read again: clocks of door and warehouse may differ."""

IdentityOf = Callable[[Identifiers], Identity]


class Unnameable(Unavailable):
    """Somebody shall leave whose keys are gone: only replacing the whole set helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Where batches go, and how people are named there."""

    rim: Rim
    destination: Destination
    identity_of: IdentityOf = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person of a batch, as it was sent."""

    person_id: str
    because: str
    mark: bytes = NO_MARK
    value: float | None = None
    is_early: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Addition:
    """Somebody to add, with the identity that names them now."""

    entry: Entry
    identity: Identity


def send(sender: Sender, batch: Batch, blocked: frozenset[bytes]) -> Batch:
    """Send a batch; how it stands then.

    Nobody is added who shares one of `blocked` with somebody whose removal is still
    open. Raises Unnameable before the call when a removal can't name somebody;
    Unavailable and DestinationRefused as the destination does.
    """
    if batch.action == REMOVE:
        return _removed(sender, batch)
    return _added(sender, batch, blocked)


def _added(sender: Sender, batch: Batch, blocked: frozenset[bytes]) -> Batch:
    rim = sender.rim
    found = rows(
        rim.client,
        _STILL_ALLOWED,
        _bound(batch) | {"since": batch.plan - _MARGIN},
    )
    additions, withheld = additions_of(sender, found)
    batch = replace(batch, turn=next_turn(rim, batch.shelf))
    # once for each mark: the next plan doesn't ask again before it changes
    write_said(
        rim,
        batch,
        [
            Said(
                person_id=one.person_id,
                action=REFUSE,
                mark=one.mark,
                detail=NO_IDENTIFIER,
            )
            for one in withheld
        ],
    )
    if blocked:
        additions = [
            one
            for one in additions
            if blocked.isdisjoint(naming(rim.index_key, one.identity))
        ]
    if not additions:
        return changed(rim, batch, state=DROPPED)
    note_sent(rim, batch, additions)
    batch = changed(rim, batch, state=SENDING)
    answer = sender.destination.add(
        batch.shelf.remote_id,
        [Member(identity=one.identity, value=one.entry.value) for one in additions],
    )
    return answered(rim, batch, answer, [one.entry for one in additions])


def _removed(sender: Sender, batch: Batch) -> Batch:
    rim = sender.rim
    entries, identities = _removals(rim, batch)
    batch = replace(batch, turn=next_turn(rim, batch.shelf))
    if not entries:
        return changed(rim, batch, state=DROPPED)
    batch = changed(rim, batch, state=SENDING)
    answer = sender.destination.remove(batch.shelf.remote_id, identities)
    return answered(rim, batch, answer, entries)


def answered(rim: Rim, batch: Batch, answer: Answer, entries: Sequence[Entry]) -> Batch:
    """Write down what a platform answered to a batch."""
    counts = {"received": answer.received, "invalid": answer.invalid}
    if answer.request_id:
        return changed(rim, batch, state=TAKEN, request_id=answer.request_id, **counts)
    refused = {entries[i].person_id: why for i, why in answer.refused.items()}
    write_said(rim, batch, _said(batch, entries, refused, is_whole=True))
    reasons: dict[str, int] = {}
    for why in answer.refused.values():
        reasons[why] = reasons.get(why, 0) + 1
    return changed(rim, batch, state=DONE, reasons=reasons, **counts)


def concluded(sender: Sender, batch: Batch, outcome: Outcome) -> Batch:
    """Write down how a batch ended that was taken before.

    One that was carried out in part is sent again in halves, down to a sixteenth of
    what a call takes; who is then refused alone is refused, and the rest is in.
    """
    rim = sender.rim
    if outcome.state == "pending":
        return batch
    whole = outcome.state == DONE
    if outcome.state != FAILED:
        entries = entries_sent(rim, batch)
        why = ", ".join(sorted(outcome.reasons)) or PARTLY
        is_last = (
            len(entries) * SMALLEST_PART <= sender.destination.limits.members_a_batch
        )
        is_one = not whole and len(entries) == 1
        refused = {entries[0].person_id: why} if is_one else {}
        said = _said(batch, entries, refused, is_whole=whole or is_last)
        write_said(rim, batch, said)
    if whole and batch.action == REPLACE:
        write_emptied(rim, batch.shelf, batch.turn - 1)
    return changed(
        rim,
        batch,
        state={"done": DONE, "partly": PARTLY, "failed": FAILED}[outcome.state],
        received=outcome.received,
        invalid=outcome.invalid,
        reasons=Counter(batch.reasons) + Counter(outcome.reasons),
        match_rate=outcome.match_rate,
    )


def doubted(rim: Rim, batch: Batch) -> None:
    """Write down that a removal may have been carried out, or not."""
    write_said(
        rim,
        batch,
        [
            Said(person_id=one.person_id, action=DOUBT)
            for one in entries_sent(rim, batch)
        ],
    )


def _said(
    batch: Batch,
    entries: Sequence[Entry],
    refused: Mapping[str, str],
    *,
    is_whole: bool,
) -> list[Said]:
    """What an answer means for each; a removal in part counts when made again."""
    said = []
    for one in entries:
        if one.person_id in refused and batch.action == ADD:
            said.append(
                Said(
                    person_id=one.person_id,
                    action=REFUSE,
                    mark=one.mark,
                    detail=refused[one.person_id],
                )
            )
        elif batch.action == REMOVE:
            sure = not one.is_early and (is_whole or one.is_again)
            action = REMOVE if sure else DOUBT
            said.append(
                Said(person_id=one.person_id, action=action, because=one.because)
            )
        elif is_whole:
            said.append(
                Said(
                    person_id=one.person_id,
                    action=ADD,
                    because=one.because,
                    mark=one.mark,
                    value=one.value,
                )
            )
    return said


def additions_of(
    sender: Sender, found: Sequence[Mapping[str, Any]]
) -> tuple[list[Addition], list[Entry]]:
    """People of a query, named as they are now; and those whom nobody finds."""
    rim = sender.rim
    people = [Person(row["person_id"], row["country"]) for row in found]
    # the marks first: what changes between the two reads is then sent once more
    marks = rim.vault.marks([subject(one.person_id) for one in people], DIRECT)
    additions, withheld = [], []
    for row, known in zip(found, identifiers_of(rim.vault, people), strict=True):
        mark = marks.get(subject(known.person_id))
        entry = Entry(
            person_id=known.person_id,
            because=row["because"],
            mark=mark_of(mark, known.country) if mark else row["mark"],
            value=row["value"],
            is_again=row["is_again"],
        )
        identity = sender.identity_of(known) if mark and is_usable(known) else {}
        if any(digest.hex for digest in identity.values()):
            additions.append(Addition(entry, identity))
        else:
            withheld.append(entry)
    return additions, withheld


def note_sent(rim: Rim, batch: Batch, additions: Sequence[Addition]) -> None:
    """Keep what is about to be sent, under each person's key."""
    kept = sealed(rim, [(one.entry.person_id, one.identity) for one in additions])
    shelf, key = batch.shelf, rim.index_key
    rim.client.insert(
        "activation.sent",
        [
            [
                *(shelf.platform, shelf.audience, shelf.remote_id),
                one.entry.person_id,
                fingerprint(key, one.identity),
                naming(key, one.identity),
                one.entry.mark,
                secret,
                batch.turn,
            ]
            for one, secret in zip(additions, kept, strict=True)
        ],
        column_names=[
            *("platform", "audience", "remote_id", "person_id", "identity"),
            *("naming", "mark", "sealed", "turn"),
        ],
    )


def _removals(rim: Rim, batch: Batch) -> tuple[list[Entry], list[Identity]]:
    """Whom a batch takes out, and every identity that was ever sent of them."""
    found = rows(rim.client, _EVER_SENT, _bound(batch))
    known = opened(rim, [(row["person_id"], row["sealed"]) for row in found])
    identities = [one for one in known if one is not None]
    if len(identities) < len(found):
        raise Unnameable(
            f"{len(found) - len(identities)} of those who shall leave"
            f" {batch.shelf.audience} at {batch.shelf.platform} can't be named any"
            " more: their keys were destroyed before they had left."
        )
    entries = {
        row["person_id"]: Entry(
            person_id=row["person_id"],
            because=row["because"],
            is_early=row["is_early"],
            is_again=row["is_again"],
        )
        for row in found
    }
    return list(entries.values()), identities


def entries_sent(rim: Rim, batch: Batch) -> list[Entry]:
    """Whom a batch that was sent held."""
    query = _OF_BATCH if batch.action == REMOVE else _ADDED_BY_BATCH
    found = rows(rim.client, query, _bound(batch) | {"turn": batch.turn})
    return [Entry(**row) for row in found]


def _bound(batch: Batch) -> dict[str, Any]:
    return batch.shelf.bound | {"plan": batch.plan, "batch": batch.batch}


_BATCH = f"{OF_SHELF} and plan = {{plan:UInt64}} and batch = {{batch:UInt32}}"
_OF_BATCH = f"""
select person_id, because, is_early, is_again from activation.outbox where {_BATCH}
order by person_id
"""
_STILL_ALLOWED = f"""
select
    entries.person_id as person_id,
    entries.because as because,
    entries.mark as mark,
    entries.value as value,
    entries.is_again as is_again,
    ifNull(toString(people.country), '') as country
from (select * from activation.outbox where {_BATCH}) as entries
inner join (
    select person_id, country from marts.dim_people
    where person_id in (select person_id from activation.outbox where {_BATCH})
        and {STILL_ALLOWED}
) as people on people.person_id = entries.person_id
order by person_id
"""
_EVER_SENT = f"""
select
    sent.person_id as person_id,
    sent.sealed as sealed,
    entries.because as because,
    entries.is_early as is_early,
    entries.is_again as is_again
from (
    select person_id, sealed from activation.sent final
    where {OF_SHELF}
        and person_id in (select person_id from activation.outbox where {_BATCH})
) as sent
inner join ({_OF_BATCH}) as entries on entries.person_id = sent.person_id
order by person_id
"""
_ADDED_BY_BATCH = f"""
select
    sent.person_id as person_id,
    entries.because as because,
    sent.mark as mark,
    entries.value as value,
    entries.is_again as is_again
from (
    select person_id, mark from activation.sent final
    where {OF_SHELF} and turn = {{turn:UInt64}} and person_id not in (
        select person_id from activation.acknowledged final
        where {OF_SHELF} and action = 'refuse' and turn = {{turn:UInt64}}
    )
) as sent
inner join (
    select person_id, because, value, is_again
    from activation.outbox where {_BATCH}
) as entries on entries.person_id = sent.person_id
order by person_id
"""
