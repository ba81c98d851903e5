"""The vault: direct identifiers, encrypted outside ClickHouse.

Each person has a key of their own, wrapped by the master key; whoever destroys it
has destroyed all that the vault held of them, in every backup of the warehouse.
Persons appear only as HMACs, values only as ciphertext.
"""

import contextlib
import hmac
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.master_key import KEY_BYTES, load_master_key

__all__ = ["Secret", "Vault", "load_master_key"]

_SCHEMA = """
create table if not exists vault (
    name text primary key,
    value blob not null
) without rowid;
create table if not exists people (
    person blob primary key,
    wrapped_key blob not null
) without rowid;
create table if not exists secrets (
    person blob not null,
    name text not null,
    token blob not null,
    at_us integer not null,
    sealed blob not null,
    primary key (person, name, token)
) without rowid;
create table if not exists analytics_decisions (
    person blob primary key,
    at_us integer not null,
    denied integer not null
) without rowid;
"""
_PUT = """
insert into secrets (person, name, token, at_us, sealed) values (?, ?, ?, ?, ?)
on conflict do update set at_us = excluded.at_us where excluded.at_us > at_us
"""
_LATEST = """
select token, sealed from secrets where person = ? and name = ?
order by at_us desc, token desc limit 1
"""
# of two decisions at one moment the denial stands, in whatever order they come
_DECIDE = """
insert into analytics_decisions (person, at_us, denied) values (?, ?, ?)
on conflict do update set at_us = excluded.at_us, denied = excluded.denied
where (excluded.at_us, excluded.denied) > (at_us, analytics_decisions.denied)
"""
_PATIENCE_S = 10.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONCE_BYTES = 12

_TOKEN_BYTES = 16
_SEAL_VERSION = b"\x01"


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


class Vault:
    """An open vault; safe to use from several threads and several processes."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, master: bytes
    ) -> None:
        self._path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._index_key = _derived(master, b"index")
        self._wrap = AESGCM(_derived(master, b"wrap"))
        self._seal = AESGCM(_derived(master, b"seal"))

    @classmethod
    def open(cls, path: Path, master_key: bytes) -> Self:
        """Open the vault of a file, made with modes 0600 and 0700 if absent.

        Raises BadSetting when the master key is not the one the vault was made
        with, or the file is no vault; Unavailable when it cannot be reached.
        """
        if len(master_key) != KEY_BYTES:
            raise BadSetting(f"A master key has {KEY_BYTES} bytes.")
        try:
            vault = cls(path, _connected(path), master_key)
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
        people = {entry.subject: self._person(entry.subject) for entry in entries}
        with self._writing() as connection:
            keys = self._keys_made(connection, people)
            made = [
                (entry, keys[entry.subject].token(entry.name, entry.value))
                for entry in entries
            ]
            rows = [
                (
                    people[entry.subject],
                    entry.name,
                    token,
                    at_us,
                    keys[entry.subject].sealed(entry.name, token, entry.value),
                )
                for (entry, token), at_us in _latest_of_each(made)
            ]
            connection.executemany(_PUT, rows)
        return [f"tok_{token.hex()}" for _, token in made]

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> dict[str, dict[str, str]]:
        """The latest value of each name, by subject; what is not known is left out."""
        wanted = tuple(dict.fromkeys(names))
        found: dict[str, dict[str, str]] = {}
        with self._reading() as connection:
            for subject in dict.fromkeys(subjects):
                person = self._person(subject)
                values = self._latest_of(connection, person, wanted)
                if values:
                    found[subject] = values
        return found

    def forget(self, subject: str) -> None:
        """Destroy a person's key and all that was kept of them; safe to repeat.

        What stays is a denial of analytics, as an HMAC: a person who said no and
        then left is still refused. Raises Unavailable when others' reading kept
        old pages on disk; the same call then finishes the work.
        """
        person = self._person(subject)
        with self._writing() as connection:
            for statement in (
                "delete from people where person = ?",
                "delete from secrets where person = ?",
                "delete from analytics_decisions where person = ? and not denied",
            ):
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
        row = (self._person(subject), _microseconds(at), int(denied))
        with self._writing() as connection:
            connection.execute(_DECIDE, row)

    def analytics_denied(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects whose latest decision denies analytics."""
        decided = self.analytics_decisions(subjects)
        return {subject for subject, denied in decided.items() if denied}

    def analytics_decisions(self, subjects: Iterable[str]) -> dict[str, bool]:
        """Whether analytics is denied, for each subject who has decided."""
        query = "select denied from analytics_decisions where person = ?"
        found: dict[str, bool] = {}
        with self._reading() as connection:
            for subject in dict.fromkeys(subjects):
                row = connection.execute(query, (self._person(subject),)).fetchone()
                if row is not None:
                    found[subject] = bool(row[0])
        return found

    def seal(self, plain: bytes) -> bytes:
        """Encrypt bytes that belong to no known person, such as a refused event."""
        nonce = os.urandom(_NONCE_BYTES)
        return _SEAL_VERSION + nonce + self._seal.encrypt(nonce, plain, _SEAL_VERSION)

    def unseal(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises BadInput for any others."""
        version, nonce = sealed[:1], sealed[1 : 1 + _NONCE_BYTES]
        try:
            return self._seal.decrypt(nonce, sealed[1 + _NONCE_BYTES :], version)
        except (InvalidTag, ValueError) as error:
            raise BadInput(
                f"These bytes were not sealed by the vault at {self._path},"
                " or were damaged since."
            ) from error

    def _person(self, subject: str) -> bytes:
        return hmac.digest(self._index_key, subject.encode(), "sha256")

    def _keys_made(
        self, connection: sqlite3.Connection, people: dict[str, bytes]
    ) -> dict[str, "_PersonKey"]:
        """Everyone's key, made where there was none."""
        keys, new = {}, []
        for subject, person in people.items():
            key = self._key_of(connection, person)
            if key is None:
                plain = os.urandom(2 * KEY_BYTES)
                key = _PersonKey.of(plain)
                nonce = os.urandom(_NONCE_BYTES)
                wrapped = nonce + self._wrap.encrypt(nonce, plain, person)
                new.append((person, wrapped))
            keys[subject] = key
        connection.executemany("insert into people values (?, ?)", new)
        return keys

    def _key_of(
        self, connection: sqlite3.Connection, person: bytes
    ) -> "_PersonKey | None":
        query = "select wrapped_key from people where person = ?"
        row = connection.execute(query, (person,)).fetchone()
        if row is None:
            return None
        nonce, wrapped = row[0][:_NONCE_BYTES], row[0][_NONCE_BYTES:]
        return _PersonKey.of(self._wrap.decrypt(nonce, wrapped, person))

    def _latest_of(
        self, connection: sqlite3.Connection, person: bytes, names: Sequence[str]
    ) -> dict[str, str]:
        key = self._key_of(connection, person)
        if key is None:
            return {}
        rows = {
            name: connection.execute(_LATEST, (person, name)).fetchone()
            for name in names
        }
        return {name: key.opened(name, *row) for name, row in rows.items() if row}

    def _check_master_key(self) -> None:
        """A mark written at the vault's birth opens under its own key alone."""
        with self._writing() as connection:
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
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("begin immediate") as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("begin") as connection:
            yield connection

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
        """The connection for one thread; damage and absence get their own names."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.OperationalError as error:
                raise Unavailable(
                    f"The vault at {self._path} does not answer: {error}."
                ) from error
            except InvalidTag as error:
                raise BadInput(
                    f"The vault at {self._path} is damaged: a key or a value in it"
                    " does not open. Restore it from its backup."
                ) from error


@dataclass(frozen=True, slots=True, repr=False)
class _PersonKey:
    """What opens one person's secrets and makes their tokens."""

    cipher: AESGCM
    token_key: bytes

    @classmethod
    def of(cls, plain: bytes) -> Self:
        return cls(AESGCM(plain[:KEY_BYTES]), plain[KEY_BYTES:])

    def token(self, name: str, value: str) -> bytes:
        text = name.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self.token_key, text, "sha256")[:_TOKEN_BYTES]

    def sealed(self, name: str, token: bytes, value: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        plain = value.encode("utf-8", "surrogatepass")
        return nonce + self.cipher.encrypt(nonce, plain, name.encode() + token)

    def opened(self, name: str, token: bytes, sealed: bytes) -> str:
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        plain = self.cipher.decrypt(nonce, ciphertext, name.encode() + token)
        return plain.decode("utf-8", "surrogatepass")


def _derived(master: bytes, purpose: bytes) -> bytes:
    return hmac.digest(master, b"questlog vault v1 " + purpose, "sha256")


def _microseconds(at: datetime) -> int:
    if at.tzinfo is None:
        raise BadInput("A moment handed to the vault needs a time zone.")
    return (at - _EPOCH) // timedelta(microseconds=1)


def _latest_of_each(
    made: Iterable[tuple[Secret, bytes]],
) -> list[tuple[tuple[Secret, bytes], int]]:
    """Each token of a batch once, with the latest moment it was stated."""
    found: dict[tuple[str, str, bytes], tuple[tuple[Secret, bytes], int]] = {}
    for entry, token in made:
        at_us = _microseconds(entry.at)
        key = (entry.subject, entry.name, token)
        if key not in found or at_us > found[key][1]:
            found[key] = ((entry, token), at_us)
    return list(found.values())


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    # the file exists with its mode before SQLite writes the first byte
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on"):
        connection.execute(f"pragma {pragma}")
    connection.executescript(_SCHEMA)
    return connection
