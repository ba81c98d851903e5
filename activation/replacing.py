"""Exchange a whole set.

Somebody shall leave whom nobody can name any more, or nobody knows who is in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from activation.consent import STILL_ALLOWED
from activation.destinations.protocol import Member, Replaces
from activation.ledger import (
    REPLACE,
    SENDING,
    Batch,
    changed,
    next_turn,
    write_emptied,
)
from activation.preparing import Addition, Entry, additions_of
from activation.sending import Sender, answered, denials_since, note_sent
from warehouse.clickhouse import rows
from warehouse.errors import DestinationRefused

_NAMED_ONCE = 50_000


def replace_whole(sender: Sender, batch: Batch) -> Batch:
    """Make the set equal to the people of a plan, in one go; how the batch stands.

    Raises DestinationRefused where the destination can't, or nobody shall be in it.
    """
    rim, destination = sender.rim, sender.destination
    if not isinstance(destination, Replaces) or not batch.people:
        raise DestinationRefused(
            f"Somebody is, or may be, in {batch.shelf.audience} at"
            f" {destination.platform} whom nobody can name there: their keys are gone,"
            " or the set was not filled by Questlog. Delete the audience in the"
            " account: the next push makes it anew, without them."
        )
    batch = replace(
        batch,
        batch=batch.batch + 1,
        action=REPLACE,
        # the turn before is when all others are gone
        turn=next_turn(rim, batch.shelf) + 1,
    )
    sent: list[Entry] = []

    def batches() -> Iterator[Sequence[Member]]:
        for some in _desired(sender, batch, destination.limits.members_a_batch):
            note_sent(rim, batch, some)
            sent.extend(one.entry for one in some)
            yield [Member(identity=o.identity, value=o.entry.value) for o in some]

    rim.client.command(_OUTBOX, parameters=batch.shelf.bound | _numbers(batch))
    batch = changed(rim, batch, state=SENDING)
    answer = destination.replace(batch.shelf.remote_id, batches(), batch.people)
    if not answer.request_id:
        write_emptied(rim, batch.shelf, batch.turn - 1)
    return answered(rim, batch, answer, sent)


def _numbers(batch: Batch) -> dict[str, int]:
    return {"plan": batch.plan, "batch": batch.batch}


def _desired(sender: Sender, batch: Batch, size: int) -> Iterator[Sequence[Addition]]:
    """Everybody who shall be in the set, named, as many at once as a call takes.

    Consent is asked for once more with each slice of people.
    """
    waiting: list[Addition] = []
    after = ""
    while True:
        found = rows(
            sender.rim.client,
            _DESIRED,
            batch.shelf.bound
            | {
                "plan": batch.plan,
                "after": after,
                "since": denials_since(batch),
            },
        )
        if not found:
            break
        after = found[-1]["person_id"]
        waiting += additions_of(sender.rim, sender.identity_of, found)[0]
        while len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]
    if waiting:
        yield waiting


_DESIRED = f"""
select
    desired.person_id as person_id,
    desired.mark as mark,
    desired.value as value,
    'replaced' as because,
    false as is_again,
    ifNull(toString(people.country), '') as country
from activation.desired as desired
inner join (
    select person_id, country from marts.dim_people where {STILL_ALLOWED}
) as people on people.person_id = desired.person_id
where platform = {{platform:String}} and audience = {{audience:String}}
    and plan = {{plan:UInt64}} and desired.person_id > {{after:String}}
order by person_id
limit {_NAMED_ONCE}
"""
_OUTBOX = """
insert into activation.outbox
    (platform, audience, remote_id, plan, batch, action, person_id, mark, value,
    because)
select
    platform, audience, {remote_id:String}, plan, {batch:UInt32}, 'add', person_id,
    mark, value, 'replaced'
from activation.desired
where platform = {platform:String} and audience = {audience:String}
    and plan = {plan:UInt64}
"""
