"""The durable log between the door and the loader: what any kind of it promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ingestion.records import Record


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records read from a log, from `first` up to and without `last`.

    Reading again from `first` to `last` gives the same records, for ever.
    """

    first: int
    last: int
    records: tuple[Record, ...]

    @property
    def rows(self) -> int:
        """How many rows the records have."""
        return sum(record.count for record in self.records)


class LogReader(Protocol):
    """What the loader needs; a position is a number that grows from 0."""

    @property
    def identity(self) -> str:
        """Tells this log from any other, also from one made anew in its place."""

    def read(self, position: int, *, limit: int) -> Stretch:
        """Records from a position on until they have `limit` rows; none at the end.

        A record is never cut. Fewer when they are long: it all fits into memory.
        """

    def reread(self, first: int, last: int) -> Stretch:
        """Exactly the records between two positions that `read` gave before."""

    def begin(self) -> int:
        """The position of the first record that is kept: those before were dropped."""

    def end(self) -> int:
        """The position after the last durable record."""


class Log(Protocol):
    """What the door needs: append-only, durable at return."""

    def end(self) -> int:
        """The position after the last durable record, as far as is known here."""

    def append(self, records: Sequence[Record]) -> int:
        """Put records at the end and return the position after them.

        At return they outlive a crash of this process and of the machine. Raises
        Unavailable when that cannot be promised; they may then be there or not.
        """
