"""What the vault knows of one person at one moment, opened."""

from collections.abc import Mapping
from typing import Self

import msgspec

from warehouse.vault.ring import PersonKey
from warehouse.vault.secret import mark_of


class Known(msgspec.Struct, frozen=True, gc=False):
    """The latest value of each name; `mark` stands for them, as in `Vault.marks`."""

    values: Mapping[str, str]
    mark: bytes
    key: PersonKey

    def __repr__(self) -> str:
        """Without anything that names the person."""
        return "Known(...)"

    @classmethod
    def of(cls, key: PersonKey, latest: Mapping[str, tuple[bytes, bytes]]) -> Self:
        """Opened from each name's token and sealed value.

        Raises InvalidTag for what another key sealed.
        """
        names = sorted(latest)
        values = {name: key.opened(name, *latest[name]) for name in names}
        tokens = {name: latest[name][0] for name in names}
        return cls(values, mark_of(tokens, names), key)

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Encrypt bytes that open for as long as the person's key lives."""
        return self.key.seal(plain, purpose)
