"""Write keys: who may send events, as which source; kept as hashes alone."""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ingestion.judging import Mode, Source
from warehouse.durable import private_folder, put
from warehouse.errors import BadInput, BadSetting

PREFIX: Final = "qlk_"
PRODUCTION: Final = "production"
ANY_ORIGIN: Final = "*"

_clock: Final = partial(datetime.now, UTC)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key allows beside its source.

    `origins` are those of browsers; `events_per_second` is None where the door's own
    limit holds, 0 where none does.
    """

    environment: str = PRODUCTION
    origins: tuple[str, ...] = ()
    events_per_second: int | None = None

    def __post_init__(self) -> None:
        """Raises BadInput for terms that no request could meet."""
        if not _NAME.fullmatch(self.environment):
            raise BadInput(
                f"{self.environment!r} is no name of an environment: use lower-case"
                " letters, digits, '_', '-' and '.', such as production or staging."
            )
        for origin in self.origins:
            if origin != ANY_ORIGIN and not _is_origin(origin):
                raise BadInput(
                    f"{origin!r} is no origin: write scheme, host and port alone, in"
                    " lower case, such as https://www.example.com; or * for any."
                )

    def admits(self, origin: str) -> bool:
        """Whether a page of this origin may send and read the answer."""
        return origin in self.origins or ANY_ORIGIN in self.origins


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A key without its secret; `fingerprint` is enough to name it to a person."""

    sha256: str
    source: str
    mode: Mode
    created: str
    revoked: str | None = None
    expires: str | None = None
    terms: Terms = field(default_factory=Terms)

    @property
    def fingerprint(self) -> str:
        """The first digits of the hash."""
        return self.sha256[:12]

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor past its end."""
        ended = self.expires is not None and now >= datetime.fromisoformat(self.expires)
        return self.revoked is None and not ended

    def state(self, now: datetime) -> str:
        """Since when it is revoked, until when it is valid, or simply valid."""
        if self.revoked is not None:
            return f"revoked {self.revoked}"
        if self.expires is None:
            return "valid"
        return f"{'valid until' if self.is_valid(now) else 'ended'} {self.expires}"


def add(
    path: Path, *, source: str, mode: Mode, now: datetime, terms: Terms | None = None
) -> str:
    """Make a key for a source and return it: it is shown this once.

    Raises BadInput for a name that is no source.
    """
    if not _NAME.fullmatch(source):
        raise BadInput(
            f"{source!r} is no name of a source: use lower-case letters, digits,"
            " '_', '-' and '.', such as web or billing-server."
        )
    key = PREFIX + secrets.token_urlsafe(32)
    made = WriteKey(_sha256(key), source, mode, _text(now), terms=terms or Terms())
    with _changing(path):
        _write(path, [*listed(path), made])
    return key


def rotate(path: Path, *, named: str, now: datetime, grace: timedelta) -> str:
    """Make a key on the terms of an old one, which ends after `grace`; the new key.

    Raises BadInput unless exactly one valid key goes by that fingerprint or source.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    with _changing(path):
        keys = listed(path)
        (old, *others) = _named(keys, named, now)
        if others:
            raise BadInput(
                f"Source {named!r} has {1 + len(others)} valid keys: name one by its"
                " fingerprint. `questlog keys list` shows them."
            )
        new = WriteKey(_sha256(key), old.source, old.mode, _text(now), terms=old.terms)
        ends = min(_text(now + grace), old.expires or _text(now + grace))
        ending = replace(old, expires=ends)
        _write(path, [*(ending if one == old else one for one in keys), new])
    return key


def revoke(path: Path, *, named: str, now: datetime) -> list[WriteKey]:
    """Revoke the key of a fingerprint, or all keys of a source; those revoked.

    Raises BadInput when no valid key goes by that name.
    """
    with _changing(path):
        keys = listed(path)
        gone = _named(keys, named, now)
        moment = _text(now)
        _write(
            path, [replace(one, revoked=moment) if one in gone else one for one in keys]
        )
    return gone


def _named(keys: list[WriteKey], named: str, now: datetime) -> list[WriteKey]:
    """The valid keys of a fingerprint or a source, at least one. Raises BadInput."""
    found = [
        key
        for key in keys
        if key.is_valid(now) and named in {key.source, key.fingerprint, key.sha256}
    ]
    if not found:
        raise BadInput(
            f"No valid key of source or fingerprint {named!r}."
            " `questlog keys list` shows them."
        )
    return found


def listed(path: Path) -> list[WriteKey]:
    """All keys ever made, revoked ones too, oldest first."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[WriteKey])
    except FileNotFoundError:
        return []
    except (msgspec.DecodeError, BadInput) as error:
        raise BadSetting(
            f"{path} is no list of write keys: {error}."
            " Restore it, or move it away and make new keys."
        ) from error


class KeyRing:
    """The valid keys of a file for one environment, read again whenever it changes."""

    def __init__(
        self,
        path: Path,
        *,
        environment: str = PRODUCTION,
        now: Callable[[], datetime] = _clock,
    ) -> None:
        self._path = path
        self._text = str(path)
        self._environment = environment
        self._now = now
        self._seen: tuple[int, int, int] | None = None
        self._keys: Mapping[str, tuple[WriteKey, Source]] = {}

    def source(self, key: str) -> Source | None:
        """Whom a key belongs to; None when it is unknown or no longer valid."""
        found = self.find(key)
        return None if found is None else found[1]

    def find(self, key: str) -> tuple[WriteKey, Source] | None:
        """A valid key by its secret, and whom it belongs to."""
        found = self._known().get(_sha256(key))
        return found if found and found[0].is_valid(self._now()) else None

    def admits(self, origin: str) -> bool:
        """Whether some valid key is for pages of this origin."""
        now = self._now()
        return any(
            key.terms.admits(origin) and key.is_valid(now)
            for key, _ in self._known().values()
        )

    def _known(self) -> Mapping[str, tuple[WriteKey, Source]]:
        now = self._state()
        if now != self._seen:
            self._keys = {
                key.sha256: (key, Source(key.source, key.mode))
                for key in listed(self._path)
                if key.revoked is None and key.terms.environment == self._environment
            }
            self._seen = now
        return self._keys

    def _state(self) -> tuple[int, int, int]:
        try:
            # asked with each request: a path's own method takes twice as long
            found = os.stat(self._text)  # noqa: PTH116
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        plain = f"{parts.scheme}://{parts.netloc}"
        return bool(parts.hostname) and "@" not in text and text == plain.lower()
    except ValueError:
        return False


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


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
