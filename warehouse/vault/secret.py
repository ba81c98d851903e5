"""A direct identifier of a person, on its way into the vault."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from warehouse.errors import BadInput


@dataclass(frozen=True, slots=True)
class Secret:
    """A direct identifier of a person, as an event stated it at a moment.

    `subject` is `user:<user_id>` or `anon:<anonymous_id>`; `at` has a time zone.
    """

    subject: str
    name: str
    value: str
    at: datetime

    def __repr__(self) -> str:
        """Without the person and the value: neither reaches a log or an exception."""
        return f"Secret(name={self.name!r})"


def microseconds(at: datetime) -> int:
    """A moment as the vault writes it. Raises BadInput where it has no time zone."""
    if at.tzinfo is None:
        raise BadInput("A moment handed to the vault needs a time zone.")
    return round(at.timestamp() * 1_000_000)


def latest_of_each(entries: Iterable[Secret]) -> dict[tuple[str, str, str], int]:
    """Each subject, name and value once, with the latest moment it was stated (µs)."""
    latest: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        key, at_us = (entry.subject, entry.name, entry.value), microseconds(entry.at)
        latest[key] = max(at_us, latest.get(key, at_us))
    return latest


def mark_of(tokens: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """16 bytes for the tokens of those names that are known; none for none."""
    known = b"".join(_named(name) + tokens[name] for name in names if name in tokens)
    return hashlib.blake2b(known, digest_size=16).digest() if known else b""


@lru_cache(maxsize=1_000)
def _named(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass") + b"\x00"
