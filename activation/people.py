"""Who a member is: identifiers from the vault, opened in memory and kept nowhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from activation.identifiers import Identifiers

DIRECT = (
    *("email", "phone", "first_name", "last_name"),
    *("city", "region", "postcode", "date_of_birth"),
)
_AT_ONCE = 1_000


class OpensIdentifiers(Protocol):
    """What is needed of the vault."""

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> Mapping[str, Mapping[str, str]]:
        """The latest value of each name, by subject; what is not known is left out."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the marts, with the country that their phone is read by."""

    person_id: str
    country: str


def identifiers_of(
    vault: OpensIdentifiers, people: Sequence[Person]
) -> Iterator[Identifiers]:
    """What the vault knows of each person, in order; empty where it knows nothing."""
    for first in range(0, len(people), _AT_ONCE):
        some = people[first : first + _AT_ONCE]
        known = vault.latest([subject(person.person_id) for person in some], DIRECT)
        for person in some:
            yield Identifiers(
                person_id=person.person_id,
                country=person.country,
                **known.get(subject(person.person_id), {}),
            )


def subject(person_id: str) -> str:
    """The vault's name of a person: an anonymous one already carries its prefix."""
    return person_id if person_id.startswith("anon:") else f"user:{person_id}"
