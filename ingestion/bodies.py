"""Split the body of a request into the bytes of its events."""

import json
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from ingestion import moments
from ingestion.moments import Moment
from warehouse.errors import BadInput

LARGEST_BODY: Final = 5 * 1024 * 1024
MOST_EVENTS: Final = 1000

LINES: Final = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
    }
)

_HOW = (
    'Send one event as a JSON object, several as {"events": [...]} or a bare array,'
    " or one a line as application/x-ndjson; all in UTF-8."
)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    """A batch as nearly all senders write it: read in one go."""

    events: list[msgspec.Raw]
    sent_at: msgspec.Raw = msgspec.Raw(b"null")


_BATCH = msgspec.json.Decoder(_Batch)


class TooMany(BadInput):
    """A batch holds more events than the door takes at once."""


@dataclass(frozen=True, slots=True)
class Body:
    """The events of one request as bytes, and when the sender posted them."""

    events: tuple[bytes, ...]
    sent_at: Moment | None = None


def split(body: bytes) -> Body:
    """The events of a body of JSON.

    Raises BadInput when it cannot be read, TooMany when it holds too many events.
    """
    try:
        found = _split(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _split_around_lone_surrogates(body)
    return _checked(found)


def split_lines(body: bytes) -> Body:
    """The events of a body with one event a line; a bad line spoils itself alone.

    Raises BadInput when no line is an object, TooMany when there are too many.
    """
    lines = (line.strip(b" \t\r") for line in body.split(b"\n"))
    found = Body(events=tuple(line for line in lines if line))
    if not found.events:
        raise BadInput(f"The body holds no event. {_HOW}")
    return _checked(found)


def _checked(found: Body) -> Body:
    if len(found.events) > MOST_EVENTS:
        raise TooMany(
            f"The batch holds {len(found.events)} events; send at most {MOST_EVENTS}."
        )
    if found.events and not any(event[:1] == b"{" for event in found.events):
        raise BadInput(f"The body holds no event. {_HOW}")
    return found


def _split(body: bytes) -> Body:
    body = body.strip(b" \t\r\n")
    if body[:1] == b"[":
        return Body(events=tuple(map(_trimmed, _ITEMS.decode(body))))
    if body[:1] != b"{":
        raise BadInput(f"The body is no JSON object or array. {_HOW}")
    if body.count(b'"events"') > 1 and _names_twice(body):
        raise BadInput(f"`events` or `sent_at` is given twice. {_HOW}")
    try:
        batch = _BATCH.decode(body)
    except msgspec.ValidationError:
        return _split_with_faults(body)
    return Body(tuple(map(_trimmed, batch.events)), _sent_at(batch.sent_at))


def _split_with_faults(body: bytes) -> Body:
    """A single event, or a batch with something wrong about it."""
    keys = _KEYS.decode(body)
    if "events" not in keys:
        return Body(events=(body,))
    events = _trimmed(keys["events"])
    if events[:1] != b"[":
        raise BadInput(f"`events` is no array. {_HOW}")
    unknown = sorted(keys.keys() - {"events", "sent_at"})
    if unknown:
        raise BadInput(f"Beside `events` stands an unknown key. {_HOW}")
    return Body(tuple(map(_trimmed, _ITEMS.decode(events))))


def _names_twice(body: bytes) -> bool:
    """Whether the batch itself, not an event in it, repeats a key.

    Of two arrays the decoder keeps the last: the first would be lost in silence.
    """
    # the object closed last is the batch: its pairs are what remains
    pairs: list[tuple[str, Any]] = []

    def seen(found: list[tuple[str, Any]]) -> None:
        pairs[:] = found

    try:
        json.loads(body.decode(errors="replace"), object_pairs_hook=seen)
    except (ValueError, RecursionError):
        return False
    names = [name for name, _ in pairs if name in {"events", "sent_at"}]
    return len(names) != len(set(names))


def _trimmed(raw: msgspec.Raw) -> bytes:
    return bytes(raw).strip(b" \t\r\n")


def _sent_at(raw: msgspec.Raw) -> Moment | None:
    try:
        text = msgspec.json.decode(raw, type=str | None)
        return None if text is None else moments.read(text)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(
            "`sent_at` is no moment; write it like 2026-03-01T10:00:00.000Z."
        ) from error


def _split_around_lone_surrogates(body: bytes) -> Body:
    """Half a surrogate pair spoils the event it stands in, not the batch.

    The fast decoder stops at one; the standard library reads over it, so that each
    event can be written out again and judged by itself.
    """
    unreadable = f"The body is not JSON. {_HOW}"
    if b"\\u" not in body:
        raise BadInput(unreadable)
    try:
        found = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(unreadable) from error
    items = found.get("events", [found]) if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise BadInput(unreadable)
    events = tuple(json.dumps(item).encode() for item in items)
    sent_at: Any = found.get("sent_at") if isinstance(found, dict) else None
    return Body(
        events=events,
        sent_at=None if sent_at is None else _sent_at(msgspec.Raw(json.dumps(sent_at))),
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
