"""What a log holds, segment by segment, and where in it a moment lies."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from ingestion import moments
from ingestion.frames import frames, segment_path, segment_starts
from ingestion.loader import ledger_of
from ingestion.records import COLUMNS, Kind, Record
from ingestion.sealing import Sealing
from ingestion.segments import PLAIN, SegmentReader, open_for_reading
from warehouse.errors import BadInput


@dataclass(slots=True)
class SegmentTold:
    """One segment: `end` is where what can be read of it ends, of `size` bytes.

    The moments are of the receipt of its first and last row, in UTC.
    """

    start: int
    size: int
    end: int
    rows: Counter[Kind] = field(default_factory=Counter)
    first_received: str = ""
    last_received: str = ""
    is_loaded: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every byte belongs to a record whose checksum is right."""
        return self.end == self.start + self.size


def inspected(folder: Path, sealing: Sealing = PLAIN) -> Iterator[SegmentTold]:
    """Each segment of a log, every record read and its checksum compared."""
    with closing(open_for_reading(folder, sealing)) as log:
        loaded = ledger_of(folder).read(log.identity).position
    for start in segment_starts(folder):
        size = segment_path(folder, start).stat().st_size
        told = SegmentTold(start, size, start)
        for record, after in frames(folder, start, start):
            told.end = after
            told.rows[record.kind] += record.count
            told.last_received = received_at(sealing.opened(record))
            told.first_received = told.first_received or told.last_received
        told.is_loaded = told.end <= loaded
        yield told


def received_at(record: Record) -> str:
    """When the door took a record, as ClickHouse writes it."""
    values = orjson.loads(record.rows.partition(b"\n")[0])
    found: str = values[COLUMNS[record.kind].index("received_at")]
    return found


def position(log: SegmentReader, text: str) -> int:
    """The position that a text gives: a number of bytes, or the moment of a receipt.

    Of a moment it is that of the first record taken then or later. Raises BadInput.
    """
    if text.isdecimal():
        return int(text)
    try:
        moment = moments.stored(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text!r} is no position in the log: give a number of bytes, as `questlog"
            " log inspect` tells them, or a moment such as 2026-03-01T10:00:00Z."
        ) from error
    for record, before in _records(log):
        if received_at(record) >= moment:
            return before
    return log.end()


def _records(log: SegmentReader) -> Iterator[tuple[Record, int]]:
    """Every record with the position before it."""
    place = log.begin()
    for record, after in log.frames(place, log.end()):
        yield record, place
        place = after
