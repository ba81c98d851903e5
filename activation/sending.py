"""Send one batch of a plan: noted before its call, and its answer after it.

Consent is asked for when a batch is noted, and once more right before its call. A crash
between note and answer leaves a doubt, and a doubt is sent again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from activation.consent import NOT_WITHDRAWN, STILL_ALLOWED
from activation.destinations.protocol import Answer, Destination, Member, Outcome
from activation.differing import WITHDREW
from activation.identifiers import Identity
from activation.ledger import (
    ADD,
    DONE,
    DROPPED,
    FAILED,
    OF_BATCH,
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
    write_removed,
    write_said,
)
from activation.preparing import Addition, Entry, IdentityOf, Prepared
from activation.rim import Rim
from warehouse.clickhouse import insert_columns, rows

DOUBT, REFUSE = "doubt", "refuse"
NO_IDENTIFIER = "no_identifier"
SMALLEST_PART = 16
_MARGIN = 10 * 60 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Where batches go, and how people are named there."""

    rim: Rim
    destination: Destination
    identity_of: IdentityOf = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A batch that the ledger tells as being sent, and what its call shall hold.

    One in which nobody is left holds nothing, and is told as dropped.
    """

    batch: Batch
    additions: Sequence[Addition] = ()
    removals: Sequence[Entry] = ()
    identities: Sequence[Identity] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a platform answered to a batch, and whom that is about.

    Without an answer nobody was left to be sent, and nobody was called.
    """

    batch: Batch
    entries: Sequence[Entry] = ()
    answer: Answer | None = None


def send(sender: Sender, ready: Prepared, blocked: frozenset[bytes]) -> Batch:
    """Send a batch; how it stands then.

    Nobody is added who shares one of `blocked` with somebody whose removal is still
    open. Raises Unavailable and DestinationRefused as the destination does.
    """
    return written(sender.rim, called(sender, noted(sender.rim, ready, blocked)))


def noted(rim: Rim, ready: Prepared, blocked: frozenset[bytes]) -> Noted:
    """Write down that a batch is about to be sent, and what will be sent of whom."""
    batch = replace(ready.batch, turn=next_turn(rim, ready.batch.shelf))
    if batch.action != REMOVE:
        return _noted_additions(rim, ready, batch, blocked)
    if not ready.removals:
        return Noted(batch=changed(rim, batch, state=DROPPED))
    return Noted(
        batch=changed(rim, batch, state=SENDING),
        removals=ready.removals,
        identities=ready.identities,
    )


def _noted_additions(
    rim: Rim, ready: Prepared, batch: Batch, blocked: frozenset[bytes]
) -> Noted:
    allowed = _allowed(rim, batch, _STILL_ALLOWED)
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
            for one in ready.withheld
            if one.person_id in allowed
        ],
    )
    additions = [
        one
        for one in ready.additions
        if one.entry.person_id in allowed and blocked.isdisjoint(one.kept.naming)
    ]
    if not additions:
        return Noted(batch=changed(rim, batch, state=DROPPED))
    note_sent(rim, batch, additions)
    return Noted(
        batch=changed(rim, batch, state=SENDING, people=len(additions)),
        additions=additions,
    )


def called(sender: Sender, noted: Noted) -> Called:
    """Call the platform with a batch, without whom consent is gone of since its note.

    Who is left out here may be there, as far as the ledger knows: the next push takes
    them out. Raises Unavailable and DestinationRefused as the destination does.
    """
    batch, destination = noted.batch, sender.destination
    if noted.removals:
        answer = destination.remove(batch.shelf.remote_id, noted.identities)
        return Called(batch=batch, entries=noted.removals, answer=answer)
    # consent by the marts was asked for when it was noted
    allowed = _allowed(sender.rim, batch, _NOT_WITHDRAWN) if noted.additions else set()
    members, entries, withheld = [], [], []
    for one in noted.additions:
        if one.entry.person_id in allowed:
            entries.append(one.entry)
            members.append(Member(identity=one.identity, value=one.entry.value))
        else:
            # no mark: who consents again is sent again
            withheld.append(
                Said(person_id=one.entry.person_id, action=REFUSE, detail=WITHDREW)
            )
    # a platform that works later is not to be believed to have taken them
    write_said(sender.rim, batch, withheld)
    if not members:
        return Called(batch=batch)
    answer = destination.add(batch.shelf.remote_id, members)
    batch = replace(batch, people=len(members))
    return Called(batch=batch, entries=entries, answer=answer)


def written(rim: Rim, one: Called) -> Batch:
    """Write down what a platform answered to a batch, if it was called."""
    if one.answer is None:
        return changed(rim, one.batch, state=DROPPED)
    return answered(rim, one.batch, one.answer, one.entries)


def _allowed(rim: Rim, batch: Batch, query: str) -> set[str]:
    """Who has not withdrawn nor been suppressed since the batch was planned.

    Who was erased since is in the outbox no more, whoever still holds their name.
    """
    found = rim.client.query(
        query,
        parameters=batch.bound | {"since": denials_since(batch)},
        column_oriented=True,
    )
    return set(found.result_columns[0]) if found.result_columns else set()


def denials_since(batch: Batch) -> int:
    """From when denials are read again, in microseconds since 1970.

    Some time before the plan: clocks of door and warehouse may differ.
    """
    return batch.plan - _MARGIN


def answered(rim: Rim, batch: Batch, answer: Answer, entries: Sequence[Entry]) -> Batch:
    """Write down what a platform answered to a batch."""
    told = {
        "received": answer.received,
        "invalid": answer.invalid,
        "reasons": Counter(answer.refused.values()),
    }
    refused = {entries[i].person_id: why for i, why in answer.refused.items()}
    if answer.request_id:
        # of the others it is told later
        those = [one for one in entries if one.person_id in refused]
        if batch.action != REMOVE:
            write_said(rim, batch, _said(batch, those, refused, is_whole=False))
        return changed(rim, batch, state=TAKEN, request_id=answer.request_id, **told)
    if batch.action == REMOVE:
        write_removed(rim, batch)
    else:
        write_said(rim, batch, _said(batch, entries, refused, is_whole=True))
    return changed(rim, batch, state=DONE, **told)


def concluded(
    sender: Sender,
    batch: Batch,
    outcome: Outcome,
    entries: Sequence[Entry] | None = None,
) -> Batch:
    """Write down how a batch ended that was taken before.

    One that was carried out in part is sent again in halves, down to a sixteenth of
    what a call takes; who is then refused alone is refused, and the rest is in. What a
    fault of the platform's own left out is sent again in any case.
    `entries` are whom it held, where somebody still knows.
    """
    rim = sender.rim
    if outcome.state == "pending":
        return batch
    whole = outcome.state == DONE
    if whole and batch.action == REMOVE:
        write_removed(rim, batch)
    elif outcome.state != FAILED:
        entries = entries_sent(rim, batch) if entries is None else entries
        why = ", ".join(sorted(outcome.reasons)) or PARTLY
        most = sender.destination.limits.members_a_batch
        is_final = not outcome.left_out_may_pass
        is_last = is_final and len(entries) * SMALLEST_PART <= most
        is_one = is_final and not whole and len(entries) == 1
        refused = {entries[0].person_id: why} if is_one else {}
        said = _said(
            batch,
            entries,
            refused,
            is_whole=whole or is_last,
            is_final=is_final,
        )
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
    is_final: bool = True,
) -> list[Said]:
    """What an answer means for each; a removal in part counts when made again.

    It does not while whom it left out may still go another time.
    """
    said = []
    for one in entries:
        if one.person_id in refused and batch.action != REMOVE:
            said.append(
                Said(
                    person_id=one.person_id,
                    action=REFUSE,
                    mark=one.mark,
                    detail=refused[one.person_id],
                )
            )
        elif batch.action == REMOVE:
            sure = not one.is_early and (is_whole or (one.is_again and is_final))
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


def note_sent(rim: Rim, batch: Batch, additions: Sequence[Addition]) -> None:
    """Keep what is about to be sent, under each person's key."""
    insert_columns(
        rim.client,
        "activation.sent",
        batch.shelf.bound
        | {
            "person_id": [one.entry.person_id for one in additions],
            "identity": [one.kept.identity for one in additions],
            "naming": [one.kept.naming for one in additions],
            "mark": [one.entry.mark for one in additions],
            "sealed": [one.kept.sealed for one in additions],
            "turn": batch.turn,
        },
    )


def entries_sent(rim: Rim, batch: Batch) -> list[Entry]:
    """Whom a batch that was sent held."""
    query = _OF_BATCH if batch.action == REMOVE else _ADDED_BY_BATCH
    found = rows(rim.client, query, batch.bound | {"turn": batch.turn})
    return [Entry(**row) for row in found]


_OF_BATCH = f"""
select person_id, because, is_early, is_again from activation.outbox where {OF_BATCH}
order by person_id
"""
_STILL_ALLOWED = f"""
select person_id from marts.dim_people
where person_id in (select person_id from activation.outbox where {OF_BATCH})
    and {STILL_ALLOWED}
"""
_NOT_WITHDRAWN = f"""
select person_id from activation.outbox
where {OF_BATCH} and {NOT_WITHDRAWN}
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
    from activation.outbox where {OF_BATCH}
) as entries on entries.person_id = sent.person_id
order by person_id
"""
