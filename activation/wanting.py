"""Who shall be in a remote set: written down whole, before anything is compared."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from activation.consent import ALLOWED
from activation.ledger import Shelf
from activation.people import DIRECT, subject
from activation.rim import Rim
from activation.sealing import MARK_BYTES
from warehouse.clickhouse import insert_columns

_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """Whom an audience wants: those chosen as of a day, at most `at_most` of them."""

    chosen_on: date | None
    at_most: int = 0
    """0 for no cap; else the highest values first."""


def write_desired(rim: Rim, shelf: Shelf, plan: int, wants: Wants) -> int:
    """Write who shall be in the set by today's consent and identifiers; how many.

    What earlier plans wanted is gone afterwards. Nothing is opened: of each person the
    vault gives a mark that stands for what it knows.
    """
    forget_desired(rim, shelf)
    if wants.chosen_on is None:
        return 0
    count = 0
    # marks of the next people are made while the warehouse writes the last
    with ThreadPoolExecutor(max_workers=1) as worker:
        writing: Future[None] | None = None
        for known in _marked(rim, shelf, wants):
            if writing is not None:
                writing.result()
            writing = worker.submit(_insert, rim, shelf, plan, known)
            count += len(known)
        if writing is not None:
            writing.result()
    return count


def _marked(
    rim: Rim, shelf: Shelf, wants: Wants
) -> Iterator[list[tuple[str, bytes, float]]]:
    """People of whom the vault knows something, with their marks and values."""
    for people, values, countries in _allowed(rim, shelf, wants):
        subjects = [subject(person_id) for person_id in people]
        marks = rim.vault.marks(subjects, DIRECT)
        known = [
            (person_id, mark_of(mark, country), value)
            for person_id, name, value, country in zip(
                people, subjects, values, countries, strict=True
            )
            if (mark := marks.get(name))
        ]
        if known:
            yield known


def forget_desired(rim: Rim, shelf: Shelf) -> None:
    """Drop what earlier plans wanted."""
    rim.client.command(
        "alter table activation.desired drop partition"
        f" ('{shelf.platform}', '{shelf.audience}')"
    )


def mark_of(mark: bytes, country: str) -> bytes:
    """A mark that also changes with the country, by which telephones are read."""
    made = hashlib.blake2b(mark + country.encode(), digest_size=MARK_BYTES)
    return made.digest()


def _allowed(
    rim: Rim, shelf: Shelf, wants: Wants
) -> Iterator[tuple[Sequence[str], Sequence[float], Sequence[str]]]:
    cap = "order by value desc, person_id limit {at_most:UInt64}"
    found = rim.client.query(
        f"""
        select
            members.person_id as person_id,
            members.value as value,
            ifNull(toString(people.country), '') as country
        from activation.audience_members as members
        inner join marts.dim_people as people
            on people.person_id = members.person_id
        where members.audience = {{audience:String}}
            and members.as_of = {{chosen_on:Date}}
            and members.sendable
            and members.person_id in ({ALLOWED})
        {cap if wants.at_most else ""}
        """,
        parameters={
            "audience": shelf.audience,
            "chosen_on": wants.chosen_on,
            "at_most": wants.at_most,
        },
        column_oriented=True,
    )
    columns = found.result_columns or [(), (), ()]
    for first in range(0, len(columns[0]), _AT_ONCE):
        people, values, countries = (c[first : first + _AT_ONCE] for c in columns)
        yield people, values, countries


def _insert(
    rim: Rim,
    shelf: Shelf,
    plan: int,
    known: Sequence[tuple[str, bytes, float]],
) -> None:
    people, marks, values = zip(*known, strict=True)
    insert_columns(
        rim.client,
        "activation.desired",
        {
            "platform": shelf.platform,
            "audience": shelf.audience,
            "plan": plan,
            "person_id": list(people),
            "mark": list(marks),
            "value": list(values),
        },
    )
