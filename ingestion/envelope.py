"""Read the envelope of one event: its keys, their types, their lengths."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from ingestion import moments
from ingestion.moments import Moment
from ingestion.objections import ENVELOPE, NOT_JSON, Objection, pointer

LONGEST_IDENTIFIER: Final = 256

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_IDENTIFIER)]
_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_HEX = re.compile(r"[0-9a-fA-F]{32}")
_LARGEST_SEQUENCE: Final = 2**64 - 1
# what the models write before an anonymous id, where a person has no other
_DEVICE: Final = "anon:"


class _Sent(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An event as a live sender may write it, moments and ids still text."""

    event_id: str
    timestamp: str
    event_name: _Text
    user_id: _Text | None = None
    anonymous_id: _Text | None = None
    session_id: _Text | None = None
    event_version: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    sequence: int | None = None
    sent_at: str | None = None
    source: Any = None
    properties: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    user_properties: dict[str, Any] | None = None


class _Filed(_Sent, gc=False, forbid_unknown_fields=True):
    """An event as an import file may hold it."""

    received_at: str | None = None
    created_at: str | None = None


LIVE = msgspec.json.Decoder(_Sent)
FILED = msgspec.json.Decoder(_Filed)
_ANYTHING = msgspec.json.Decoder()
_IS_SAID_WITH: Final = {
    "event_id": "a UUID, such as 5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d",
    "timestamp": "a moment with its zone, such as 2026-03-01T10:00:00.000Z",
    "event_name": "a text of 1 to 256 characters",
    "user_id": "a text of 1 to 256 characters, or null",
    "anonymous_id": "a text of 1 to 256 characters, or null",
    "session_id": "a text of 1 to 256 characters, or null",
    "event_version": "a text of at most 32 characters, such as 1.0, or null",
    "sequence": "a whole number from 0 to 2^64 - 1, or null",
    "sent_at": "a moment with its zone, or null",
    "received_at": "a moment with its zone, or null",
    "created_at": "a moment with its zone, or null",
    "properties": "an object, or null",
    "context": "an object, or null",
    "user_properties": "an object, or null",
}


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One event whose envelope could be read; `occurred_at` is the sender's claim.

    `is_flat` says that its objects hold neither objects nor arrays for sure.
    A struct and not a dataclass: it is made in a tenth of the time, for every event.
    """

    event_id: str
    event_name: str
    event_version: str | None
    user_id: str
    anonymous_id: str
    session_id: str
    occurred_at: Moment
    sent_at: Moment | None
    received_at: Moment | None
    sequence: int | None
    properties: dict[str, Any]
    context: dict[str, Any]
    user_properties: dict[str, Any]
    is_flat: bool = False

    @property
    def subject(self) -> str:
        """Whom the event is about, as the vault names people."""
        return f"user:{self.user_id}" if self.user_id else f"anon:{self.anonymous_id}"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What reading gave: an envelope, objections, or both for unknown keys alone."""

    envelope: Envelope | None
    faults: tuple[Objection, ...] = ()
    unknown_keys: tuple[Objection, ...] = ()
    claimed_id: str = ""
    claimed_name: str = ""
    claimed_version: str = ""


def usual(raw: bytes, decoder: msgspec.json.Decoder[Any]) -> Envelope | None:
    """The envelope of an event with nothing wrong about it; None says: `read` it."""
    try:
        sent = decoder.decode(raw)
        return _envelope(sent, is_flat=_is_flat(sent, raw))
    except (ValueError, RecursionError):
        # of msgspec, too: its errors are ValueErrors
        return None


def read(raw: bytes, decoder: msgspec.json.Decoder[Any]) -> Reading:
    """Read one event's bytes; `decoder` is LIVE or FILED. All faults at once."""
    try:
        sent = decoder.decode(raw)
    except msgspec.ValidationError:
        return _read_with_faults(raw, decoder)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unreadable()
    return _read_sent(sent)


def _is_flat(sent: _Sent, raw: bytes) -> bool:
    """By the brackets: most events need not be walked."""
    objects = (
        1
        + (sent.properties is not None)
        + (sent.context is not None)
        + (sent.user_properties is not None)
    )
    return raw.count(b"{") == objects and b"[" not in raw


def _unreadable() -> Reading:
    message = "This is no JSON text in UTF-8 without lone surrogates."
    return Reading(envelope=None, faults=(Objection(NOT_JSON, "", message),))


def _read_sent(sent: _Sent, unknown_keys: tuple[Objection, ...] = ()) -> Reading:
    try:
        return Reading(_envelope(sent, is_flat=False), (), unknown_keys)
    except ValueError:
        return Reading(
            envelope=None,
            faults=tuple(_faults(sent)),
            unknown_keys=unknown_keys,
            claimed_id=sent.event_id[:LONGEST_IDENTIFIER],
            claimed_name=sent.event_name,
            claimed_version=sent.event_version or "",
        )


def _envelope(sent: _Sent, *, is_flat: bool) -> Envelope:
    """The envelope of what was sent. Raises ValueError at the first fault."""
    event_id = uuid(sent.event_id)
    if event_id is None or not is_placed(sent):
        raise ValueError
    received_at = _received_at(sent)
    return Envelope(
        event_id=event_id,
        event_name=sent.event_name,
        event_version=sent.event_version,
        user_id=sent.user_id or "",
        anonymous_id=sent.anonymous_id or "",
        session_id=sent.session_id or "",
        occurred_at=moments.read(sent.timestamp),
        sent_at=None if sent.sent_at is None else moments.read(sent.sent_at),
        received_at=None if received_at is None else moments.read(received_at),
        sequence=sent.sequence,
        properties={} if sent.properties is None else sent.properties,
        context={} if sent.context is None else sent.context,
        user_properties={} if sent.user_properties is None else sent.user_properties,
        is_flat=is_flat,
    )


def _received_at(sent: _Sent) -> str | None:
    return sent.received_at if isinstance(sent, _Filed) else None


def _faults(sent: _Sent) -> Iterator[Objection]:
    """Everything wrong with an envelope whose types are right."""
    if uuid(sent.event_id) is None:
        yield _misfit("event_id")
    for key, text in (
        ("timestamp", sent.timestamp),
        ("sent_at", sent.sent_at),
        ("received_at", _received_at(sent)),
    ):
        try:
            _ = None if text is None else moments.read(text)
        except moments.OutsideCalendar:
            message = "This moment lies outside the years 1900 to 2298."
            yield Objection(ENVELOPE, pointer(key), message)
        except ValueError:
            yield _misfit(key)
    if not _is_sequence(sent.sequence):
        yield _misfit("sequence")
    if sent.user_id is None and sent.anonymous_id is None:
        yield _nobody()
    if _names_device(sent.user_id):
        message = f"A user id can't begin with {_DEVICE!r}, the mark of devices."
        yield Objection(ENVELOPE, pointer("user_id"), message)


def is_placed(sent: _Sent) -> bool:
    """Whether it is told whom an event is about, and its sequence is one."""
    user_id, sequence = sent.user_id, sent.sequence
    return (
        (user_id is not None or sent.anonymous_id is not None)
        and (user_id is None or not user_id.startswith(_DEVICE))
        and (sequence is None or 0 <= sequence <= _LARGEST_SEQUENCE)
    )


def _names_device(user_id: str | None) -> bool:
    return user_id is not None and user_id.startswith(_DEVICE)


def _is_sequence(number: int | None) -> bool:
    return number is None or 0 <= number <= _LARGEST_SEQUENCE


def uuid(text: str) -> str | None:
    """A UUID as we write it; None for what is none."""
    if _UUID_TEXT.fullmatch(text):
        return text.lower()
    if _UUID_HEX.fullmatch(text):
        low = text.lower()
        return f"{low[:8]}-{low[8:12]}-{low[12:16]}-{low[16:20]}-{low[20:]}"
    return None


def _read_with_faults(raw: bytes, decoder: Any) -> Reading:
    """The long way round: key by key, so that every fault is named."""
    try:
        keys = _ANYTHING.decode(raw)
    except msgspec.ValidationError:
        return _number_too_large()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # a wrong type came first, and what follows it is no JSON
        return _unreadable()
    if not isinstance(keys, dict):
        message = "An event is a JSON object."
        return Reading(envelope=None, faults=(Objection(ENVELOPE, "", message),))
    kind: type[_Sent] = decoder.type
    known = kind.__struct_fields__
    unknown_keys = tuple(
        Objection(ENVELOPE, pointer(key), "The envelope has no such key.")
        for key in keys
        if key not in known
    )
    faults = [
        _misfit(key)
        for key, annotation in _types_of(kind).items()
        if key in keys and not _fits(keys[key], annotation)
    ]
    faults += [
        Objection(ENVELOPE, pointer(key), f"Missing; expected {_IS_SAID_WITH[key]}.")
        for key in ("event_id", "timestamp", "event_name")
        if key not in keys
    ]
    if not faults:
        return _read_sent(
            msgspec.convert({key: keys[key] for key in keys if key in known}, kind),
            unknown_keys,
        )
    faults += _later_faults(keys, kind, {fault.at for fault in faults})
    return Reading(
        envelope=None,
        faults=tuple(faults),
        unknown_keys=unknown_keys,
        claimed_id=_claim(keys, "event_id"),
        claimed_name=_claim(keys, "event_name"),
        claimed_version=_claim(keys, "event_version"),
    )


def _later_faults(
    keys: dict[str, Any], kind: type[_Sent], named: set[str]
) -> list[Objection]:
    """What the typed reading would have found, had the types been right."""
    stand_in: dict[str, Any] = {
        "event_id": "00000000-0000-0000-0000-000000000000",
        "timestamp": "2000-01-01T00:00:00.000Z",
        "event_name": "none",
    }
    for key in kind.__struct_fields__:
        if key in keys and pointer(key) not in named:
            stand_in[key] = keys[key]
    nobody_is_sure = not named & {"/user_id", "/anonymous_id"}
    return [
        fault
        for fault in _read_sent(msgspec.convert(stand_in, kind)).faults
        if fault.at or nobody_is_sure
    ]


def _types_of(kind: type[_Sent]) -> dict[str, Any]:
    import typing

    return typing.get_type_hints(kind, include_extras=True)


def _fits(value: object, annotation: Any) -> bool:
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError:
        return False
    return True


def _number_too_large() -> Reading:
    message = "A number lies outside what a double can hold."
    return Reading(envelope=None, faults=(Objection(NOT_JSON, "", message),))


def _claim(keys: dict[str, Any], key: str) -> str:
    value = keys.get(key)
    return value[:LONGEST_IDENTIFIER] if isinstance(value, str) else ""


def _misfit(key: str) -> Objection:
    return Objection(ENVELOPE, pointer(key), f"Expected {_IS_SAID_WITH[key]}.")


def _nobody() -> Objection:
    message = "Nobody is named: give user_id or anonymous_id."
    return Objection(ENVELOPE, "", message)
