"""The order of a case's lines, where the events don't say theirs."""

import gzip
from pathlib import Path
from typing import Any

import msgspec


def in_file_order(events: Path, copy: Path) -> Path:
    """A file of the same events in which those of one moment have the lines' order.

    Where any line has a `sequence` of its own, the file itself; else `copy`, written
    with each event's first line as its sequence: doubled lines stay the same event. A
    line that is no JSON object is left for the import to refuse.
    """
    opened = gzip.open if events.suffix == ".gz" else open
    with opened(events, "rb") as file:
        lines = file.read().splitlines()
    found = [_decoded(line) for line in lines]
    if any(one is not None and one.get("sequence") is not None for one in found):
        return events
    first: dict[object, int] = {}
    with copy.open("wb") as out:
        for number, (line, one) in enumerate(zip(lines, found, strict=True)):
            told = line
            if one is not None:
                place = first.setdefault(str(one.get("event_id")), number)
                told = _numbered(line, one, place)
            out.write(told + b"\n")
    return copy


def _numbered(line: bytes, event: dict[str, Any], place: int) -> bytes:
    """The line with its place; all else stays as it was written, to the digit."""
    if not event or "sequence" in event:
        return msgspec.json.encode({**event, "sequence": place})
    return line.replace(b"{", b'{"sequence":%d,' % place, 1)


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) else None
