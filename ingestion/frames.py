"""How records lie in the files of a log: frames in segments.

A frame is a length, a CRC-32 and the record: one byte for its kind, the number of
its rows, then these. Positions are byte offsets over all segments; a segment's name
is the position of its first byte.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ingestion.records import Kind, Record

_HEADER: Final = struct.Struct("<II")
_RECORD: Final = struct.Struct("<cI")
_KIND_BYTES: Final[dict[Kind, bytes]] = {
    "accepted": b"A",
    "refused": b"R",
    "canary": b"C",
}
_KINDS: Final[dict[bytes, Kind]] = {one: kind for kind, one in _KIND_BYTES.items()}
_LONGEST_RECORD: Final = 16 * 1024 * 1024


def packed(record: Record) -> bytes:
    """A record as bytes: its kind, the number of its rows, the rows."""
    return _RECORD.pack(_KIND_BYTES[record.kind], record.count) + record.rows


def unpacked(content: bytes) -> Record:
    """The record of such bytes."""
    kind, count = _RECORD.unpack_from(content)
    return Record(_KINDS[kind], content[_RECORD.size :], count)


def frame(record: Record) -> bytes:
    """A record as a file holds it: `packed`, with its length and checksum."""
    head = _RECORD.pack(_KIND_BYTES[record.kind], record.count)
    checksum = zlib.crc32(record.rows, zlib.crc32(head))
    length = len(head) + len(record.rows)
    return b"%b%b%b" % (_HEADER.pack(length, checksum), head, record.rows)


def frames(folder: Path, start: int, position: int) -> Iterator[tuple[Record, int]]:
    """The whole frames of one segment, from a position, with the position after each.

    They end where a frame is torn, damaged, or not there yet.
    """
    with segment_path(folder, start).open("rb") as file:
        file.seek(position - start)
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            length, checksum = _HEADER.unpack(header)
            if not _RECORD.size <= length <= _LONGEST_RECORD:
                return
            body = file.read(length)
            if len(body) != length or zlib.crc32(body) != checksum:
                return
            position += _HEADER.size + length
            yield unpacked(body), position


def segment_path(folder: Path, start: int) -> Path:
    """The file of a segment."""
    return folder / f"{start:020d}.segment"


def segment_starts(folder: Path) -> list[int]:
    """Where the segments of a log begin, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.segment"))
