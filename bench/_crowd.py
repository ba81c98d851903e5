"""A million people at once, a fifth of whom then change."""

from collections.abc import Iterator
from dataclasses import dataclass

from activation.identifiers import Identifiers
from bench._reach import AS_OF, AUDIENCE, Town
from warehouse.vault import Secret

_AT_ONCE = 20_000


@dataclass(slots=True)
class Crowd:
    """Many people at once."""

    town: Town
    size: int

    def leaving(self) -> Iterator[Identifiers]:
        """All whom a push after the change takes out, as they were sent."""
        return map(self._known_as, range(self.size * 14 // 100))

    def coming(self) -> Iterator[Identifiers]:
        """All whom it puts in: who has another e-mail address, and the new."""
        size = self.size
        for number in range(size * 10 // 100, size * 14 // 100):
            yield self._known_as(number, domain="example.org")
        yield from map(self._known_as, range(size, size + size * 6 // 100))

    def _known_as(self, number: int, domain: str = "example.com") -> Identifiers:
        return Identifiers(
            f"p{number:07}",
            email=_mail(number, domain),
            phone=_phone(number) if number % 10 == 0 else "",
            country="DE",
        )

    def settle(self) -> None:
        """All of them known, consenting and chosen."""
        for first in range(0, self.size, _AT_ONCE):
            self._know(range(first, min(first + _AT_ONCE, self.size)), "example.com")
        self._write("number < {size:UInt64}", "1")

    def change(self) -> int:
        """A fifth of the crowd changes; how many people."""
        size = self.size
        self._know(range(size, size + size * 6 // 100), "example.com")
        self._know(range(size * 10 // 100, size * 14 // 100), "example.org")
        self._write(
            # a tenth fits no longer or withdraws; newcomers fit
            "number >= {size:UInt64} * 4 / 100",
            "number >= {size:UInt64} * 10 / 100",
        )
        return size * 20 // 100

    def _know(self, numbers: range, domain: str) -> None:
        at = self.town.now()
        secrets = []
        for number in numbers:
            who = f"user:p{number:07}"
            secrets.append(Secret(who, "email", _mail(number, domain), at))
            if number % 10 == 0 and domain == "example.com":
                secrets.append(Secret(who, "phone", _phone(number), at))
        self.town.vault.tokens(secrets)

    def _write(self, is_chosen: str, consents: str) -> None:
        client, bound = self.town.client, {"size": self.size}
        for table in ("marts.dim_people", "activation.audience_members"):
            client.command(f"truncate table {table}")
        numbers = "(select number from numbers({all:UInt64}))"
        bound["all"] = self.size + self.size * 6 // 100
        name = "concat('p', leftPad(toString(number), 7, '0'))"
        client.command(
            f"insert into marts.dim_people select {name}, 'DE', 1, {consents}"
            f" from {numbers}",
            parameters=bound,
        )
        client.command(
            "insert into activation.audience_members"
            " (as_of, audience, person_id, value, sendable)"
            f" select '{AS_OF}', '{AUDIENCE}', {name}, number, true from {numbers}"
            f" where {is_chosen}",
            parameters=bound,
        )


def _mail(number: int, domain: str) -> str:
    return f"p{number}@{domain}"


def _phone(number: int) -> str:
    return f"+49151{number:08}"
