"""What the dialects share: events of our envelope made from others' messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid5

import msgspec

from ingestion.cells import moment_reader
from ingestion.rows import json_text
from warehouse.errors import BadInput

# the namespace of ids made from others' ids: fixed for ever, or a retry doubles
_DERIVED: Final = UUID("b3a5c1d2-4d0e-5f3a-8b57-0f1e6a9c2d41")
_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

from_milliseconds = moment_reader("unix_milliseconds", None)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Under which source messages came, when, and with which user agent."""

    source: str
    at: datetime
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Translated:
    """Events in our envelope, and those their own stamp of consent forbids to keep.

    What was no object at all is among the events as it came: the door refuses it.
    """

    events: tuple[Any, ...]
    denied: tuple[dict[str, Any], ...] = ()


def decoded(body: bytes) -> Any:
    """A body's JSON; half a surrogate pair spoils its own event only, later on.

    Raises BadInput when it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON in UTF-8.") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def encoded(events: tuple[Any, ...]) -> bytes:
    """Events as the body of POST /v1/events.

    Raises BadInput when one of them is nested too deep to be written.
    """
    whole = {"events": events}
    try:
        return msgspec.json.encode(whole)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        pass
    try:
        return json.dumps(whole).encode()
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is nested too deep.") from error


def event_id(dialect: str, given: Any, whole: Any, receipt: Receipt) -> str:
    """The id of a message: its own, if a UUID, else one made from what it has.

    Without an id a message with a time is known by its content, so that a retry is
    the same event; without either each receipt is an event.
    """
    if isinstance(given, str):
        try:
            return str(UUID(given))
        except ValueError:
            pass
    content = [dialect, receipt.source, given if given not in (None, "") else whole]
    return str(uuid5(_DERIVED, _text(content)))


def derived(of: str, *words: str) -> str:
    """The id of an event that follows from another one."""
    return str(uuid5(_DERIVED, _text([of, *words])))


def _text(content: Any) -> str:
    try:
        return json_text(content)
    except (TypeError, ValueError, RecursionError):
        # half a surrogate pair, or too deep: another text, as good for an id
        return repr(content).encode(errors="backslashreplace").decode()


def identity(value: Any) -> Any:
    """An id as text: others write numbers too; nothing where there is none."""
    if value in (None, ""):
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole else value


def present(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what is absent or empty."""
    return {key: value for key, value in found.items() if value not in (None, "", {})}


def page_words(url: Any) -> dict[str, Any]:
    """What an address tells of a page view: its path, and its campaign."""
    if not isinstance(url, str):
        return {}
    try:
        split = urlsplit(url)
        query = parse_qs(split.query, max_num_fields=200)
    except ValueError:
        return {}
    campaign = {name: query[name][0] for name in _UTM if name in query}
    return present({"path": split.path or "/", **campaign})
