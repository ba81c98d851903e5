"""The vault: direct identifiers, encrypted outside ClickHouse.

Each person has a key of their own, wrapped by the master key; whoever destroys it
has destroyed all that the vault held of them, in every backup of the warehouse.
Persons appear only as HMACs, values only as ciphertext.
"""

import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag

from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.vault_file import alone_in, connected, in_parts
from warehouse.vault_keys import MasterKey, PersonKey, load_master_key

__all__ = ["Secret", "Vault", "load_master_key"]

_PUT = """
insert into secrets (person_id, name, token, at_us, sealed) values (?, ?, ?, ?, ?)
on conflict do update set at_us = excluded.at_us where excluded.at_us > at_us
"""
# of two decisions at one moment the denial stands, in whatever order they come
_DECIDE = """
insert into analytics_decisions (person, at_us, denied) values (?, ?, ?)
on conflict do update set at_us = excluded.at_us, denied = excluded.denied
where (excluded.at_us, excluded.denied)
    > (analytics_decisions.at_us, analytics_decisions.denied)
"""
_FORGET = (
    "delete from secrets where person_id in (select id from people where person = ?)",
    "delete from people where person = ?",
    "delete from analytics_decisions where person = ? and not denied",
)


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


@dataclass(frozen=True, slots=True)
class _Person:
    """A row of `people`, unwrapped."""

    id: int
    key: PersonKey


class Vault:
    """An open vault; safe to use from several threads and several processes."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, master: MasterKey
    ) -> None:
        self._path = path
        self._connection = connection
        self._master = master
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, master_key: bytes) -> Self:
        """Open the vault of a file, made with modes 0600 and 0700 if absent.

        Raises BadSetting when the master key is not the one the vault was made
        with, or the file is no vault; Unavailable when it cannot be reached.
        """
        master = MasterKey(master_key)
        try:
            with alone_in(path.parent):
                vault = cls(path, connected(path), master)
                vault._check_master_key()
        except (sqlite3.OperationalError, OSError) as error:
            raise Unavailable(
                f"The vault at {path} cannot be opened: {error}."
            ) from error
        except sqlite3.DatabaseError as error:
            raise BadSetting(
                f"{path} is no vault, or a damaged one: {error}."
                " Restore it from its backup, or move it away to start an empty one."
            ) from error
        return vault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def tokens(self, entries: Sequence[Secret]) -> list[str]:
        """Keep the secrets and return a token for each, in order.

        One transaction; all is on disk at return. A token is `tok_` and 32 hex
        digits, the same for the same person, name and value for as long as the
        person's key lives, and unlike that of any other person.
        """
        latest = _latest_of_each(entries)
        tokens: dict[tuple[str, str, str], bytes] = {}
        with self._transaction("begin immediate") as connection:
            people = self._people_made(connection, {who for who, _, _ in latest})
            rows = []
            for (subject, name, value), at_us in latest.items():
                person = people[subject]
                token = person.key.token(name, value)
                sealed = person.key.sealed(name, token, value)
                rows.append((person.id, name, token, at_us, sealed))
                tokens[subject, name, value] = token
            connection.executemany(_PUT, rows)
        return [
            f"tok_{tokens[one.subject, one.name, one.value].hex()}" for one in entries
        ]

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> dict[str, dict[str, str]]:
        """The latest value of each name, by subject; what is not known is left out."""
        wanted = set(names)
        with self._transaction("begin") as connection:
            people = self._people(connection, set(subjects))
            rows = in_parts(
                connection,
                "select person_id, name, token, sealed from secrets"
                " where person_id in ({}) order by person_id, name, at_us, token",
                [person.id for person in people.values()],
            )
            # in that order the last row of a name is its latest
            last = {(row[0], row[1]): row for row in rows if row[1] in wanted}
        found: dict[str, dict[str, str]] = {}
        for subject, person in people.items():
            for name in wanted:
                if row := last.get((person.id, name)):
                    with self._damage_named():
                        value = person.key.opened(*row[1:])
                    found.setdefault(subject, {})[name] = value
        return found

    def marks(self, subjects: Iterable[str], names: Iterable[str]) -> dict[str, bytes]:
        """What stands for the latest values of the names: 16 bytes by subject.

        A mark changes when and only when one of them does, or the person's key. Nothing
        is opened; a subject of whom no value is known has no mark.
        """
        wanted = {self._master.index(subject): subject for subject in subjects}
        among = sorted(set(names))
        with self._guarded() as connection:
            rows = in_parts(
                connection,
                "select people.person, secrets.name, secrets.token"
                " from people join secrets on secrets.person_id = people.id"
                " where people.person in ({})"
                " order by secrets.person_id, secrets.name, secrets.at_us,"
                " secrets.token",
                list(wanted),
            )
        # in that order the last row of a name is its latest
        last: dict[bytes, dict[str, bytes]] = {}
        for person, name, token in rows:
            last.setdefault(person, {})[name] = token
        return {
            wanted[person]: mark
            for person, tokens in last.items()
            if (mark := _mark(tokens, among))
        }

    def seal_for(
        self, entries: Sequence[tuple[str, bytes]], purpose: bytes
    ) -> list[bytes | None]:
        """Encrypt bytes under the key of each subject; nothing for who has no key.

        What was sealed can be opened for as long as the person's key lives.
        """
        people = self._known_people(subject for subject, _ in entries)
        return [
            person.key.seal(plain, purpose) if (person := people.get(subject)) else None
            for subject, plain in entries
        ]

    def open_for(
        self, entries: Sequence[tuple[str, bytes]], purpose: bytes
    ) -> list[bytes | None]:
        """What was sealed for each subject; nothing where the key is gone."""
        people = self._known_people(subject for subject, _ in entries)
        return [
            _opened(people.get(subject), sealed, purpose) for subject, sealed in entries
        ]

    def _known_people(self, subjects: Iterable[str]) -> dict[str, _Person]:
        with self._transaction("begin") as connection:
            return self._people(connection, set(subjects))

    def forget(self, subject: str) -> None:
        """Destroy a person's key and all that was kept of them; safe to repeat.

        What stays is a denial of analytics, as an HMAC: a person who said no and
        then left is still refused. Raises Unavailable when others' reading kept
        old pages on disk; the same call then finishes the work.
        """
        person = self._master.index(subject)
        with self._transaction("begin immediate") as connection:
            for statement in _FORGET:
                connection.execute(statement, (person,))
        with self._guarded() as connection:
            pragma = connection.execute("pragma wal_checkpoint(truncate)")
            if pragma.fetchone()[0]:
                raise Unavailable(
                    f"The vault at {self._path} is in use: the person's rows are gone,"
                    " their old pages not yet. Forget them again."
                )

    def set_analytics_denied(self, subject: str, denied: bool, at: datetime) -> None:  # noqa: FBT001
        """Note a decision on analytics; the latest `at` counts, in whatever order."""
        self.set_analytics_decisions([(subject, denied, at)])

    def set_analytics_decisions(
        self, decisions: Iterable[tuple[str, bool, datetime]]
    ) -> None:
        """Note many decisions, each subject, whether denied, and when, in one step."""
        rows = [
            (self._master.index(subject), _microseconds(at), int(denied))
            for subject, denied, at in decisions
        ]
        with self._transaction("begin immediate") as connection:
            connection.executemany(_DECIDE, rows)

    def analytics_denied(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects whose latest decision denies analytics."""
        decided = self.analytics_decisions(subjects)
        return {subject for subject, denied in decided.items() if denied}

    def analytics_decisions(self, subjects: Iterable[str]) -> dict[str, bool]:
        """Whether analytics is denied, for each subject who has decided."""
        wanted = {self._master.index(subject): subject for subject in subjects}
        query = "select person, denied from analytics_decisions where person in ({})"
        with self._guarded() as connection:
            rows = in_parts(connection, query, list(wanted))
        return {wanted[person]: bool(denied) for person, denied in rows}

    def seal(self, plain: bytes) -> bytes:
        """Encrypt bytes that belong to no known person, such as a refused event."""
        return self._master.seal(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises BadInput for any others."""
        try:
            return self._master.unseal(sealed)
        except InvalidTag as error:
            raise BadInput(
                f"These bytes were not sealed by the vault at {self._path},"
                " or were damaged since."
            ) from error

    def _people(
        self, connection: sqlite3.Connection, subjects: Iterable[str]
    ) -> dict[str, _Person]:
        """Those of the subjects who have a key."""
        wanted = {self._master.index(subject): subject for subject in subjects}
        found = self._indexed(connection, list(wanted))
        return {wanted[index]: person for index, person in found.items()}

    def _people_made(
        self, connection: sqlite3.Connection, subjects: Iterable[str]
    ) -> dict[str, _Person]:
        """All of the subjects, with a key made for who had none."""
        wanted = {self._master.index(subject): subject for subject in subjects}
        found = self._indexed(connection, list(wanted))
        insert = "insert into people (person, wrapped_key) values (?, ?)"
        for index in wanted.keys() - found.keys():
            key, wrapped = self._master.new_person(index)
            made = connection.execute(insert, (index, wrapped))
            found[index] = _Person(int(made.lastrowid or 0), key)
        return {wanted[index]: person for index, person in found.items()}

    def _indexed(
        self, connection: sqlite3.Connection, indexes: Sequence[bytes]
    ) -> dict[bytes, _Person]:
        query = "select id, person, wrapped_key from people where person in ({})"
        with self._damage_named():
            return {
                index: _Person(number, self._master.person(index, wrapped))
                for number, index, wrapped in in_parts(connection, query, indexes)
            }

    def _check_master_key(self) -> None:
        """A mark written at the vault's birth opens under its own key alone."""
        with self._transaction("begin immediate") as connection:
            query = "select value from vault where name = 'mark'"
            row = connection.execute(query).fetchone()
            if row is None:
                mark = self.seal(b"questlog vault")
                connection.execute("insert into vault values ('mark', ?)", (mark,))
                return
        try:
            self.unseal(row[0])
        except BadInput as error:
            self.close()
            raise BadSetting(
                f"The master key does not open the vault at {self._path}."
                " Put back the key file the vault was made with, or name it in"
                " QUESTLOG_MASTER_KEY_FILE."
            ) from error

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._guarded() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.OperationalError as error:
                raise Unavailable(
                    f"The vault at {self._path} does not answer: {error}."
                ) from error
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise  # a fault of ours, not of the file
                raise BadInput(
                    f"The vault at {self._path} is damaged: {error}."
                    " Restore it from its backup."
                ) from error

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except InvalidTag as error:
            raise BadInput(
                f"The vault at {self._path} is damaged: a key or a value in it"
                " does not open. Restore it from its backup."
            ) from error


def _mark(tokens: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """16 bytes for the tokens of those names that are known; none for none."""
    known = b"".join(_named(name) + tokens[name] for name in names if name in tokens)
    return hashlib.blake2b(known, digest_size=16).digest() if known else b""


def _named(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass") + b"\x00"


def _opened(person: _Person | None, sealed: bytes, purpose: bytes) -> bytes | None:
    if person is None:
        return None
    try:
        return person.key.unseal(sealed, purpose)
    except InvalidTag:
        return None  # of a key that was destroyed, after which the person came again


def _microseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise BadInput("A moment handed to the vault needs a time zone.")
    return round(at.timestamp() * 1_000_000)


def _latest_of_each(entries: Iterable[Secret]) -> dict[tuple[str, str, str], int]:
    """Each subject, name and value once, with the latest moment it was stated (µs)."""
    latest: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        key, at_us = (entry.subject, entry.name, entry.value), _microseconds(entry.at)
        latest[key] = max(at_us, latest.get(key, at_us))
    return latest
