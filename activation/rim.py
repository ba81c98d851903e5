"""What a sync touches outside itself: the warehouse, the vault, the clock."""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from activation.identifiers import external_key
from warehouse.vault import Known

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class KeepsIdentifiers(Protocol):
    """What is needed of the vault."""

    @property
    def root(self) -> bytes:
        """The secret that what must never change is derived from."""

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> Mapping[str, Mapping[str, str]]:
        """The latest value of each name, by subject; what is not known is left out."""

    def marks(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> Mapping[str, bytes]:
        """What stands for those values: 16 bytes that change when one of them does."""

    def known(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> Mapping[str, Known]:
        """Values, mark and key of each subject, as of one moment."""

    def open_for(
        self, entries: Sequence[tuple[str, bytes]], purpose: bytes
    ) -> list[bytes | None]:
        """What was sealed for each; nothing where the key has been destroyed."""


@dataclass(frozen=True, kw_only=True)
class Rim:
    """The things that an engine of pure decisions is given.

    `clock` tells the moment, with its zone; nothing below asks any other.
    """

    client: "Client"
    vault: KeepsIdentifiers = field(repr=False)
    clock: Callable[[], datetime]

    @cached_property
    def external_key(self) -> bytes:
        """What makes the external ids."""
        return external_key(self.vault.root)

    @cached_property
    def index_key(self) -> bytes:
        """What makes the HMACs by which the ledger finds what was sent."""
        return hmac.digest(self.vault.root, b"questlog/activation/ledger/1", "sha256")
