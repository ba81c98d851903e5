"""A vault that is open: its store, its ring, and what needs no person's key."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag

from warehouse.errors import BadInput, Unavailable
from warehouse.vault import rings
from warehouse.vault.ring import Ring
from warehouse.vault.sqlite import SqliteStore
from warehouse.vault.store import Rows, Store


class OpenVault:
    """A store and the ring that opens it; safe to use from several threads."""

    def __init__(
        self, store: Store, ring: rings.Opened, read_master: Callable[[], bytes]
    ) -> None:
        self._store = store
        self._opened = ring
        self._read_master = read_master

    @classmethod
    def open(cls, path: Path, master_key: bytes) -> Self:
        """Open the vault of a file, made with modes 0600 and 0700 if absent.

        Raises as `over` does; BadSetting too when the file is no vault.
        """
        return cls.over(SqliteStore.open(path), lambda: master_key)

    @classmethod
    def over(cls, store: Store, read_master: Callable[[], bytes]) -> Self:
        """Open the vault of a store; the master key is read again after a rotation.

        Raises BadSetting when the master key is not the one the vault was made
        with; Unavailable when the store cannot be reached.
        """
        try:
            return cls(store, rings.opened(store, read_master()), read_master)
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    @property
    def root(self) -> bytes:
        """The secret that what must never change is derived from, whatever rotates."""
        return self._ring.root

    def index(self, subject: str) -> bytes:
        """A person, or any other text, in the only form in which it is written down."""
        return self._ring.index(subject)

    def seal(self, plain: bytes) -> bytes:
        """Encrypt bytes that belong to no known person, such as a refused event."""
        return self._ring.seal(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises BadInput for any others."""
        try:
            return self._ring.unseal(sealed)
        except InvalidTag as error:
            raise BadInput(
                f"These bytes were not sealed by the vault {self._store.place},"
                " or were damaged since."
            ) from error

    def rotate(self, new_master: bytes) -> int:
        """Wrap every key anew, so that a new master key opens the vault; how many.

        The old one opens it too until `retire` is called. Safe to repeat.
        """
        return rings.rotate(self._store, self._read_master(), new_master)

    def retire(self) -> None:
        """Let no other master key than the present one open the vault from now on."""
        rings.retire(self._store, self._read_master())
        self._scrub()

    @property
    def _ring(self) -> Ring:
        return self._opened.ring

    def _scrub(self) -> None:
        if not self._store.scrub():
            raise Unavailable(
                f"The vault {self._store.place} is in use: the person's rows are gone,"
                " their old pages not yet. Forget them again."
            )

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Rows]:
        with self._store.reading() as held:
            self._keep_up(held)
            yield held

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Rows]:
        with self._store.writing() as held:
            self._keep_up(held)
            yield held

    def _keep_up(self, held: Rows) -> None:
        """Another process may have rotated the keys since."""
        if rings.generation(held) != self._opened.generation:
            self._opened = rings.read(held, self._read_master(), self._store.place)
