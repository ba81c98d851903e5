"""How a happening is written as an event of the wire."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from questlog.world.geography import offset
from questlog.world.happenings import Happening
from questlog.world.parameters import DAY, MINUTE, SECOND, day_of

_DOMAINS = {"payment_completed": "billing", "payment_refunded": "billing"}
_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One event on its way to the door; several copies of one event may be.

    `event` lacks its timestamp and receipt, which are known when the copy is written;
    `timezone` is where the sender's clock is, empty for UTC. `first_received_at` is
    the original's receipt. The sender's clock is `ahead` by so many milliseconds, or
    behind. `reason` is why the door will refuse it, empty if it won't;
    `raw` is a line that is no event any more.
    """

    event: dict[str, Any]
    at: int
    timezone: str
    received_at: int
    first_received_at: int
    ahead: int = 0
    reason: str = ""
    raw: bytes = b""
    conflicts: bool = False

    def again(self, received_at: int) -> "Copy":
        """The same event, received once more."""
        return replace(self, received_at=received_at)


def events_of(
    happenings: Iterable[Happening], chance: np.random.Generator
) -> list[dict[str, Any]]:
    """The events of happenings in order of time, each with an id of its own."""
    ordered = list(happenings)
    ids = chance.bytes(_ID_BYTES * len(ordered)).hex()
    captured: Counter[str] = Counter()
    events = []
    for number, happening in enumerate(ordered):
        start = number * 2 * _ID_BYTES
        event_id = uuid_text(ids[start : start + 2 * _ID_BYTES])
        events.append(_event(happening, event_id, captured))
    return events


def uuid_text(digits: str) -> str:
    """32 hexadecimal digits as a UUID of version 4."""
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
    )


def _event(
    happening: Happening, event_id: str, captured: Counter[str]
) -> dict[str, Any]:
    domain = _DOMAINS.get(happening.name)
    event: dict[str, Any] = {
        "event_id": event_id,
        "event_name": f"{domain}.{happening.name}" if domain else happening.name,
        "event_version": "1.0",
    }
    if happening.user_id:
        event["user_id"] = happening.user_id
    visit = happening.visit
    if visit:
        device = visit.device
        captured[device.anonymous_id] += 1
        event["anonymous_id"] = device.anonymous_id
        event["session_id"] = visit.session_id
        event["sequence"] = captured[device.anonymous_id]
        event["context"] = device.context
    event["properties"] = happening.properties
    if happening.traits:
        event["user_properties"] = happening.traits
    return event


def history_line(copy: Copy) -> bytes:
    """A line of history: the event with its receipt."""
    if copy.raw:
        return copy.raw
    stamps = {
        "timestamp": timestamp(copy.at + copy.ahead, copy.timezone),
        "received_at": timestamp(copy.received_at, ""),
    }
    return orjson.dumps(stamps | copy.event)


def live_line(copy: Copy, *, shift: int, posted_at: int) -> bytes:
    """A line of the live slice, its time moved by `shift` milliseconds.

    A sender whose clock is wrong says when it posts, by that clock.
    """
    if copy.raw:
        return copy.raw
    stamps = {"timestamp": timestamp(copy.at + shift + copy.ahead, copy.timezone)}
    if copy.ahead:
        stamps["sent_at"] = timestamp(posted_at + copy.ahead, "")
    return orjson.dumps(stamps | copy.event)


def timestamp(moment: int, timezone: str) -> str:
    """A moment in RFC 3339, in UTC or with the offset of a time zone that day."""
    ahead = offset(timezone, moment // DAY) if timezone else 0
    minute, rest = divmod(moment + ahead, MINUTE)
    zone = _suffix(ahead) if timezone else "Z"
    return f"{_to_the_minute(minute)}:{rest // SECOND:02d}.{rest % SECOND:03d}{zone}"


@lru_cache(maxsize=400_000)
def _to_the_minute(minute: int) -> str:
    day, minute = divmod(minute, DAY // MINUTE)
    return f"{day_of(day * DAY).isoformat()}T{minute // 60:02d}:{minute % 60:02d}"


@lru_cache(maxsize=64)
def _suffix(ahead: int) -> str:
    hours, minutes = divmod(abs(ahead) // MINUTE, 60)
    return f"{'-' if ahead < 0 else '+'}{hours:02d}:{minutes:02d}"
