"""Rows of the tables that the door fills as JSON arrays, all but `loaded_at`.

A row is read by the places of its values: columns are added at the end alone, so that
rows that a log already holds stay readable.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import orjson

EVENT_COLUMNS: Final = (
    "event_id",
    "event_name",
    "event_version",
    "user_id",
    "anonymous_id",
    "session_id",
    "occurred_at",
    "sent_at",
    "received_at",
    "known_at",
    "clock_offset_ms",
    "clock_offset_source",
    "sequence",
    "source",
    "imported",
    "tags",
    "properties",
    "context",
    "user_properties",
    "content_hash",
)
REFUSAL_COLUMNS: Final = (
    "refusal_id",
    "event_id",
    "event_name",
    "event_version",
    "reason",
    "reasons",
    "objections",
    "recoverable",
    "source",
    "imported",
    "received_at",
    "expires_at",
    "sealed_bytes",
)
CANARY_COLUMNS: Final = ("canary_id", "door", "received_at")


def json_bytes(value: Any) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8, whole numbers of any size."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a whole number beyond 64 bits
        return json.dumps(
            value,
            sort_keys=True,
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
        ).encode()


def json_text(value: Any) -> str:
    """The same as text."""
    return json_bytes(value).decode()


def row_bytes(values: Sequence[Any]) -> bytes:
    """A row as one line, its values in the order of the columns."""
    return orjson.dumps(values) + b"\n"


def content_hash(*parts: bytes) -> int:
    """64 bits over an event's content; each part is JSON, so no part holds a newline.

    Python's own hash differs between processes; this one is for ever.
    """
    return int.from_bytes(blake2b(b"\n".join(parts), digest_size=8).digest(), "big")


def with_load(rows: bytes, loaded_at: str) -> bytes:
    """Rows with the moment their block was cut in front of their values.

    A line's end stands nowhere else: within JSON it is written otherwise.
    """
    head = b'["%b",' % loaded_at.encode()
    lines = rows[:-1].split(b"\n")
    return b"%b%b\n" % (head, (b"\n" + head).join([line[1:] for line in lines]))
