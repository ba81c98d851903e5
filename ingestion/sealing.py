"""Records of the disk's log encrypted, where the setting says so.

Each record has a key of its own, derived from the log's key and 16 random bytes, so
that no number of records wears one key out. What is encrypted tells so itself: a log
may hold both, and the setting may change at any time.
"""

import hmac
import os
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.records import Record
from warehouse.errors import BadInput, BadSetting
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.vault.keys import make_key, read_key

# rows are JSON and begin with a bracket
_SEALED: Final = b"\x01"
_SALT_BYTES: Final = 16
# a key that is used once needs no nonce of its own
_NONCE: Final = bytes(12)


class Sealing(Protocol):
    """What becomes of records on their way to the disk and back."""

    def sealed(self, record: Record) -> Record:
        """The record as it is written."""

    def opened(self, record: Record) -> Record:
        """The record as it was. Raises BadInput when it cannot be opened."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Records as they are."""

    def sealed(self, record: Record) -> Record:
        """The same record."""
        return record

    def opened(self, record: Record) -> Record:
        """The same record. Raises BadInput for one that is encrypted."""
        if record.rows.startswith(_SEALED):
            raise BadInput(
                "The log is encrypted, and its key is not here: put secrets/log_key"
                " back into the home, or name its file in QUESTLOG_LOG_KEY_FILE."
            )
        return record


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """Records under a key; `writes` says whether new ones are encrypted."""

    key: bytes
    writes: bool = True

    def sealed(self, record: Record) -> Record:
        """The record encrypted, its kind and number of rows told and held to."""
        if not self.writes:
            return record
        salt = os.urandom(_SALT_BYTES)
        hidden = self._cipher(salt).encrypt(_NONCE, record.rows, _told(record))
        return Record(record.kind, b"%b%b%b" % (_SEALED, salt, hidden), record.count)

    def opened(self, record: Record) -> Record:
        """The record as it was. Raises BadInput under another key."""
        if not record.rows.startswith(_SEALED):
            return record
        start = len(_SEALED)
        salt = record.rows[start : start + _SALT_BYTES]
        try:
            rows = self._cipher(salt).decrypt(
                _NONCE, record.rows[start + _SALT_BYTES :], _told(record)
            )
        except InvalidTag as error:
            raise BadInput(
                "A record of the log does not open under this log's key: it was"
                " written under another. Put that one back; nothing is lost meanwhile."
            ) from error
        return Record(record.kind, rows, record.count)

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(hmac.digest(self.key, b"questlog log v1 " + salt, "sha256"))


def sealing_of(settings: Settings) -> Sealing:
    """What the settings say; the home's own key is made when it is first needed.

    A log that was encrypted once stays readable when the setting is taken back.
    """
    own = Home(settings.home).secrets / "log_key"
    path = settings.log_key_file or own
    if settings.log_encrypted and not path.exists():
        if settings.log_key_file is not None:
            raise BadSetting(f"QUESTLOG_LOG_KEY_FILE names {path}, which is not there.")
        make_key(own)
    if not path.exists():
        return Plain()
    return Sealed(read_key(path), writes=settings.log_encrypted)


def _told(record: Record) -> bytes:
    return b"%b %d" % (record.kind.encode(), record.count)
