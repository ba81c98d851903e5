"""Write keys: who may send events, as which source; kept as hashes alone."""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ingestion.judging import Mode, Source
from warehouse.durable import private_folder, put
from warehouse.errors import BadInput, BadSetting

PREFIX: Final = "qlk_"

_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A key without its secret; `fingerprint` is enough to name it to a person."""

    sha256: str
    source: str
    mode: Mode
    created: str
    revoked: str | None = None

    @property
    def fingerprint(self) -> str:
        """The first digits of the hash."""
        return self.sha256[:12]


def add(path: Path, *, source: str, mode: Mode, now: datetime) -> str:
    """Make a key for a source and return it: it is shown this once.

    Raises BadInput for a name that is no source.
    """
    if not _SOURCE_NAME.fullmatch(source):
        raise BadInput(
            f"{source!r} is no name of a source: use lower-case letters, digits,"
            " '_', '-' and '.', such as web or billing-server."
        )
    key = PREFIX + secrets.token_urlsafe(32)
    made = WriteKey(_sha256(key), source, mode, now.isoformat(timespec="seconds"))
    with _changing(path):
        _write(path, [*listed(path), made])
    return key


def revoke(path: Path, *, named: str, now: datetime) -> list[WriteKey]:
    """Revoke the key of a fingerprint, or all keys of a source; those revoked.

    Raises BadInput when no valid key goes by that name.
    """
    with _changing(path):
        keys = listed(path)
        gone = [
            key
            for key in keys
            if key.revoked is None
            and named in {key.source, key.fingerprint, key.sha256}
        ]
        if not gone:
            raise BadInput(
                f"No valid key of source or fingerprint {named!r}."
                " `questlog keys list` shows them."
            )
        moment = now.isoformat(timespec="seconds")
        _write(path, [_revoked(key, moment) if key in gone else key for key in keys])
    return gone


def _revoked(key: WriteKey, moment: str) -> WriteKey:
    return WriteKey(key.sha256, key.source, key.mode, key.created, moment)


def listed(path: Path) -> list[WriteKey]:
    """All keys ever made, revoked ones too, oldest first."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[WriteKey])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        raise BadSetting(
            f"{path} is no list of write keys: {error}."
            " Restore it, or move it away and make new keys."
        ) from error


class KeyRing:
    """The valid keys of a file, read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._sources: Mapping[str, Source] = {}

    def source(self, key: str) -> Source | None:
        """Whom a key belongs to; None when it is unknown or revoked."""
        now = self._state()
        if now != self._seen:
            self._sources = {
                known.sha256: Source(known.source, known.mode)
                for known in listed(self._path)
                if known.revoked is None
            }
            self._seen = now
        return self._sources.get(_sha256(key))

    def _state(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)


def _sha256(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, keys: list[WriteKey]) -> None:
    put(path, msgspec.json.format(msgspec.json.encode(keys)))


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """Two commands at once change the file one after the other."""
    private_folder(path.parent)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
