"""What the vault knows of one person at one moment, opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from warehouse.vault.ring import PersonKey
from warehouse.vault.secret import mark_of


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """The latest value of each name; `mark` stands for them, as in `Vault.marks`."""

    values: Mapping[str, str]
    mark: bytes
    key: PersonKey

    @classmethod
    def of(cls, key: PersonKey, latest: Mapping[str, tuple[bytes, bytes]]) -> Self:
        """Opened from each name's token and sealed value, in the order of names.

        Raises InvalidTag for what another key sealed.
        """
        values = {name: key.opened(name, *one) for name, one in latest.items()}
        tokens = {name: token for name, (token, _) in latest.items()}
        return cls(values, mark_of(tokens, list(latest)), key)

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Encrypt bytes that open for as long as the person's key lives."""
        return self.key.seal(plain, purpose)
