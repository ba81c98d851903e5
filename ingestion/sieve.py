"""A log as it is read to be loaded: without the events of who was erased meanwhile."""

from dataclasses import dataclass, replace
from typing import Final, Protocol

import orjson

from ingestion.log import LogReader, Stretch
from ingestion.records import COLUMNS, Record

_USER: Final = COLUMNS["accepted"].index("user_id")
_DEVICE: Final = COLUMNS["accepted"].index("anonymous_id")


class Graveyard(Protocol):
    """Who was erased; the vault knows."""

    def tombstones(self) -> frozenset[bytes]:
        """The HMACs of all who were erased."""

    def index(self, subject: str) -> bytes:
        """The HMAC of a person."""


@dataclass(frozen=True, slots=True)
class SievedLog:
    """A log whose positions are those of the log itself, whatever is left out.

    Who is erased is asked for with every stretch: what was taken before an erasure is
    not loaded after it, and neither a retry nor a replay of the log brings it back.
    """

    log: LogReader
    graveyard: Graveyard

    @property
    def identity(self) -> str:
        """See LogReader."""
        return self.log.identity

    def read(self, position: int, *, limit: int) -> Stretch:
        """See LogReader."""
        return self._sieved(self.log.read(position, limit=limit))

    def reread(self, first: int, last: int) -> Stretch:
        """See LogReader."""
        return self._sieved(self.log.reread(first, last))

    def begin(self) -> int:
        """See LogReader."""
        return self.log.begin()

    def end(self) -> int:
        """See LogReader."""
        return self.log.end()

    def _sieved(self, stretch: Stretch) -> Stretch:
        erased = self.graveyard.tombstones()
        if not erased:
            return stretch
        # a record stays where nothing is left of it: the stretch was read all the same
        kept = tuple(self._without(record, erased) for record in stretch.records)
        return replace(stretch, records=kept)

    def _without(self, record: Record, erased: frozenset[bytes]) -> Record:
        if record.kind != "accepted":
            return record
        lines = record.rows.splitlines(keepends=True)
        kept = [line for line in lines if self._index(line) not in erased]
        if len(kept) == len(lines):
            return record
        return Record(record.kind, b"".join(kept), len(kept))

    def _index(self, line: bytes) -> bytes:
        row = orjson.loads(line)
        user, device = row[_USER], row[_DEVICE]
        return self.graveyard.index(f"user:{user}" if user else f"anon:{device}")
