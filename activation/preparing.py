"""Make batches ready for their calls: whom they hold, and how these are named.

Nothing is written here, and nothing sent. While one batch is made use of, the next is
made ready, never more than one.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from activation.identifiers import Identifiers, Identity, is_usable
from activation.ledger import NO_MARK, OF_BATCH, OF_SHELF, REMOVE, Batch
from activation.people import DIRECT, subject
from activation.rim import Rim
from activation.sealing import Kept, kept, opened
from activation.wanting import mark_of
from warehouse.clickhouse import rows
from warehouse.errors import Unavailable

IdentityOf = Callable[[Identifiers], Identity]


class Unnameable(Unavailable):
    """Somebody shall leave whose keys are gone: only replacing the whole set helps."""


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


def prepared(rim: Rim, identity_of: IdentityOf, batch: Batch) -> Prepared:
    """A batch made ready. Raises Unnameable when it can't name who shall leave."""
    return _made_ready(rim, identity_of, batch, _held_by(rim, batch))


def prepared_ahead(
    rim: Rim, identity_of: IdentityOf, batches: Sequence[Batch]
) -> Generator[Prepared]:
    """Each batch made ready, in order, while whoever asked is busy with the last one.

    The warehouse is asked in between, by whoever asks for the next.
    Raises Unnameable in the place of a batch that can't name who shall leave.
    """
    with ThreadPoolExecutor(max_workers=1) as worker:
        waiting: Future[Prepared] | None = None
        for batch in batches:
            found = _held_by(rim, batch)
            coming = worker.submit(_made_ready, rim, identity_of, batch, found)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()


def _held_by(rim: Rim, batch: Batch) -> list[dict[str, Any]]:
    """Whom a batch holds, with what is needed to name them."""
    query = _EVER_SENT if batch.action == REMOVE else _COMING
    return rows(rim.client, query, batch.bound)


def _made_ready(
    rim: Rim,
    identity_of: IdentityOf,
    batch: Batch,
    found: Sequence[Mapping[str, Any]],
) -> Prepared:
    if batch.action == REMOVE:
        removals, identities = _removals(rim, batch, found)
        return Prepared(batch=batch, removals=removals, identities=identities)
    additions, withheld = additions_of(rim, identity_of, found)
    return Prepared(batch=batch, additions=additions, withheld=withheld)


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


def _removals(
    rim: Rim, batch: Batch, found: Sequence[Mapping[str, Any]]
) -> tuple[list[Entry], list[Identity]]:
    """Whom a batch takes out, and every identity that was ever sent of them."""
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
