"""The people in one set of a stand-in, packed: a million in 300 MB, found by name.

A row is what a platform was told of a person: keys and values. Told again, it is the
same row. The digests lie as bytes in a database in memory, and under each identifier
that names a person lies which rows it names.
"""

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

Row = tuple[tuple[str, str], ...]
"""The known keys of one person and their values."""

_DIGEST_LENGTH = 64
_TEXT = 0x80
_SCHEMA = """
pragma journal_mode = off;
create table people (row integer primary key, packed blob, value text, added real);
create table names (name integer, row integer, primary key (name, row)) without rowid;
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a platform: all, those that name a person, and the value's."""

    known: tuple[str, ...]
    naming: frozenset[str]
    value: str = ""


class Held:
    """One set."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._codes = {key: code for code, key in enumerate(keys.known)}
        self._count = 0
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.executescript(_SCHEMA)

    def __len__(self) -> int:
        return self._count

    def put(self, rows: Iterable[Row], now: float = 0.0) -> None:
        """Put people in; who is in stays in, with the new value and moment."""
        people, names = [], []
        for row in rows:
            packed, value = self._packed(row)
            number = _number(packed)
            people.append((number, packed, value, now))
            names += [(name, number) for name in self._names(row)]
        with self._lock, self._database as database:
            before = database.total_changes
            database.executemany(
                "insert or ignore into people values (?, ?, ?, ?)", people
            )
            new = database.total_changes - before
            self._count += new
            if new < len(people):
                database.executemany(
                    "update people set value = ?, added = ? where row = ?",
                    [(value, now, number) for number, _, value, _ in people],
                )
            database.executemany("insert or ignore into names values (?, ?)", names)

    def take(self, rows: Iterable[Row]) -> None:
        """Take out whoever is named by any identifier of these."""
        names = {name for row in rows for name in self._names(row)}
        with self._lock, self._database as database:
            found = {
                number
                for name in names
                for (number,) in database.execute(
                    "select row from names where name = ?", (name,)
                )
            }
            self._drop(database, found)

    def take_older(self, moment: float) -> None:
        """Take out all who were last put in by a moment."""
        with self._lock, self._database as database:
            found = {
                number
                for (number,) in database.execute(
                    "select row from people where added <= ?", (moment,)
                )
            }
            self._drop(database, found)

    def rows(self, since: float = float("-inf")) -> Iterator[dict[str, str]]:
        """Everybody put in since a moment, as keys and values."""
        with self._lock:
            found = self._database.execute(
                "select packed, value from people where added >= ?", (since,)
            ).fetchall()
        for packed, value in found:
            yield dict(self._unpacked(packed)) | (
                {self._keys.value: value} if value is not None else {}
            )

    def _drop(self, database: sqlite3.Connection, numbers: set[int]) -> None:
        for number in numbers:
            (packed,) = database.execute(
                "select packed from people where row = ?", (number,)
            ).fetchone()
            database.executemany(
                "delete from names where name = ? and row = ?",
                [(name, number) for name in self._names(self._unpacked(packed))],
            )
            database.execute("delete from people where row = ?", (number,))
        self._count -= len(numbers)

    def _packed(self, row: Row) -> tuple[bytes, str | None]:
        """A row as bytes without its value, and the value."""
        parts, told = [], None
        for key, value in row:
            if key == self._keys.value:
                told = value
                continue
            code, digest = self._codes[key], _digest(value)
            if digest:
                parts.append(bytes([code]) + digest)
            else:
                text = value.encode()[:255]
                parts.append(bytes([code | _TEXT, len(text)]) + text)
        return b"".join(parts), told

    def _unpacked(self, packed: bytes) -> Row:
        row, at = [], 0
        while at < len(packed):
            code = packed[at]
            if code & _TEXT:
                past = at + 2 + packed[at + 1]
                text = packed[at + 2 : past].decode(errors="replace")
                row.append((self._keys.known[code & ~_TEXT], text))
            else:
                past = at + 1 + _DIGEST_LENGTH // 2
                row.append((self._keys.known[code], packed[at + 1 : past].hex()))
            at = past
        return tuple(row)

    def _names(self, row: Row) -> Sequence[int]:
        return [
            _number(f"{key}={value}".encode())
            for key, value in row
            if key in self._keys.naming
        ]

    def emptied(self) -> Self:
        """Another set of the same kind, with nobody in it."""
        return type(self)(self._keys)


def _digest(value: str) -> bytes:
    """The bytes of a digest in hex; none of anything else."""
    if len(value) != _DIGEST_LENGTH:
        return b""
    try:
        digest = bytes.fromhex(value)
    except ValueError:
        return b""
    return digest if digest.hex() == value else b""


def _number(content: bytes) -> int:
    """A number that stands for content: 63 bits of its hash."""
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
