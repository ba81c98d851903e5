"""Make batches ready for their calls: whom they hold, and how these are named.

Nothing is written here, and nothing sent. Batches are made ready before the plan that
they are of is committed, as many as memory allows: between its calls little is left to
do then.
"""

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import msgspec

from activation.identifiers import Identifiers, Identity, is_usable
from activation.ledger import NO_MARK, OF_BATCH, OF_SHELF, REMOVE, Batch
from activation.people import DIRECT, subject
from activation.rim import Rim
from activation.sealing import Kept, kept, opened
from activation.wanting import mark_of
from warehouse.clickhouse import rows
from warehouse.errors import Unavailable

IdentityOf = Callable[[Identifiers], Identity]

_MOST_SEALED_BYTES = 160 << 20
"""What is ready may be so much once sealed; in memory it is about four times that."""


class Unnameable(Unavailable):
    """Somebody shall leave whose keys are gone: only replacing the whole set helps."""


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One person of a batch, as it was sent."""

    person_id: str
    because: str
    mark: bytes = NO_MARK
    value: float | None = None
    is_early: bool = False
    is_again: bool = False


class Addition(msgspec.Struct, frozen=True, gc=False):
    """Somebody to add: the identity that names them now, and what is kept of it."""

    entry: Entry
    identity: Identity
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch with all that its call and the ledger need.

    `withheld` are people whom nobody finds, `identities` all that was ever sent of
    those who leave.
    """

    batch: Batch
    additions: Sequence[Addition] = ()
    withheld: Sequence[Entry] = ()
    removals: Sequence[Entry] = ()
    identities: Sequence[Identity] = ()
    sealed_bytes: int = 0


def prepared(rim: Rim, identity_of: IdentityOf, batch: Batch) -> Prepared:
    """A batch made ready. Raises Unnameable when it can't name who shall leave."""
    if batch.action == REMOVE:
        return _removals(rim, batch)
    found = rows(rim.client, _COMING, batch.bound)
    additions, withheld = additions_of(rim, identity_of, found)
    return Prepared(
        batch=batch,
        additions=additions,
        withheld=withheld,
        sealed_bytes=sum(len(one.kept.sealed) for one in additions),
    )


@contextlib.contextmanager
def prepared_ahead(
    rim: Rim,
    identity_of: IdentityOf,
    batches: Sequence[Batch],
    most_sealed_bytes: int = _MOST_SEALED_BYTES,
) -> Iterator[Iterator[Prepared]]:
    """Each batch made ready, in order: as many as memory allows when this is entered.

    With each that is taken another is begun. Raises Unnameable, and whatever else went
    wrong with a batch, in its place.
    """
    with ThreadPoolExecutor(max_workers=1) as worker:
        begun = (worker.submit(prepared, rim, identity_of, one) for one in batches)
        ready: deque[Future[Prepared]] = deque()
        sealed_bytes = 0
        for one in begun:
            ready.append(one)
            wait([one])
            if one.exception():
                break
            sealed_bytes += one.result().sealed_bytes
            if sealed_bytes > most_sealed_bytes:
                break
        yield _taken(ready, begun)


def _taken(
    ready: deque[Future[Prepared]], begun: Iterator[Future[Prepared]]
) -> Iterator[Prepared]:
    while ready:
        one = ready.popleft()
        ready.extend(itertools.islice(begun, 1))
        yield one.result()


def additions_of(
    rim: Rim, identity_of: IdentityOf, found: Sequence[Mapping[str, Any]]
) -> tuple[list[Addition], list[Entry]]:
    """People of a query, named as they are now; and those whom nobody finds."""
    known = rim.vault.known([subject(row["person_id"]) for row in found], DIRECT)
    index_key = rim.index_key
    additions, withheld = [], []
    for row in found:
        one = known.get(subject(row["person_id"]))
        entry = Entry(
            person_id=row["person_id"],
            because=row["because"],
            mark=mark_of(one.mark, row["country"]) if one else row["mark"],
            value=row["value"],
            is_again=row["is_again"],
        )
        person = Identifiers(
            person_id=row["person_id"],
            country=row["country"],
            **(one.values if one else {}),
        )
        identity = identity_of(person) if one and is_usable(person) else {}
        if one and any(digest.hex for digest in identity.values()):
            additions.append(Addition(entry, identity, kept(index_key, identity, one)))
        else:
            withheld.append(entry)
    return additions, withheld


def _removals(rim: Rim, batch: Batch) -> Prepared:
    """Whom a batch takes out, and every identity that was ever sent of them."""
    found = rows(rim.client, _EVER_SENT, batch.bound)
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
    return Prepared(
        batch=batch,
        removals=list(entries.values()),
        identities=identities,
        sealed_bytes=sum(len(row["sealed"]) for row in found),
    )


_COMING = f"""
select
    entries.person_id as person_id,
    entries.because as because,
    entries.mark as mark,
    entries.value as value,
    entries.is_again as is_again,
    ifNull(toString(people.country), '') as country
from (select * from activation.outbox where {OF_BATCH}) as entries
inner join (
    select person_id, country from marts.dim_people
    where person_id in (select person_id from activation.outbox where {OF_BATCH})
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
        and person_id in (select person_id from activation.outbox where {OF_BATCH})
) as sent
inner join (
    select person_id, because, is_early, is_again
    from activation.outbox where {OF_BATCH}
) as entries on entries.person_id = sent.person_id
order by person_id
"""
