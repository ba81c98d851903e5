"""Post a file of events to the door in batches, and count what it says to each."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from warehouse.errors import BadInput, Unavailable

BATCH = 200
_ROUTE = "/v1/events"
_ATTEMPTS = 6
_TIMEOUT_SECONDS = 30
_LONGEST_WAIT_SECONDS = 10.0
_OK, _UNREADABLE, _TOO_MUCH, _SLOW_DOWN, _BROKEN = 200, 400, 413, 429, 500
_REFUSED_KEY = (401, 403)


@dataclass(slots=True)
class Outcome:
    """What the door said: events accepted, and events refused by first reason."""

    sent: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where events go; `pause` waits a number of seconds between attempts."""

    url: str
    key: str
    pause: Callable[[float], None] = time.sleep


def read_lines(path: Path) -> list[bytes]:
    """The lines of a JSONL file, blank ones left out.

    Raises BadInput when the file cannot be read or holds no line.
    """
    try:
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    if not lines:
        raise BadInput(f"{path} holds no events; nothing was sent.")
    return lines


def _silent(_: int) -> None:
    """No progress is shown."""


def send(
    path: Path, *, url: str, key: str, advance: Callable[[int], object] = _silent
) -> Outcome:
    """Send a JSONL file of events to the door at an address, as `send_lines` does.

    Raises BadInput when the file cannot be read or holds no line.
    """
    address = url.rstrip("/").removesuffix(_ROUTE)
    return send_lines(read_lines(path), Door(url=address, key=key), advance=advance)


def send_lines(
    lines: Sequence[bytes], door: Door, *, advance: Callable[[int], object] = _silent
) -> Outcome:
    """Send lines in order; `advance` hears of each batch's size when it is answered.

    A line that is no JSON goes alone, since it would spoil the batch around it.
    Raises Unavailable when the door stays away, BadInput when it refuses the key.
    """
    outcome = Outcome()
    for bodies in _batches(lines):
        _send_batch(bodies, door, outcome)
        advance(len(bodies))
    return outcome


def _send_batch(bodies: tuple[bytes, ...], door: Door, outcome: Outcome) -> None:
    """Send a batch; one that cannot be read or is too long goes event by event."""
    status, answer = _post(door, b"[" + b",".join(bodies) + b"]")
    if status != _OK and len(bodies) > 1:
        for body in bodies:
            _send_batch((body,), door, outcome)
    else:
        _count(outcome, len(bodies), status, answer)


def _batches(lines: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    remaining = iter(lines)
    while some := tuple(islice(remaining, BATCH)):
        healthy = tuple(line for line in some if _is_json(line))
        if healthy:
            yield healthy
        yield from ((line,) for line in some if not _is_json(line))


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _count(outcome: Outcome, events: int, status: int, answer: dict[str, Any]) -> None:
    outcome.sent += events
    if status == _OK:
        outcome.accepted += answer["accepted"]
        for verdict in answer["verdicts"]:
            if verdict["status"] == "refused":
                outcome.refused[verdict["objections"][0]["reason"]] += 1
    else:
        outcome.refused["too_large" if status == _TOO_MUCH else "not_json"] += events


def _post(door: Door, body: bytes) -> tuple[int, dict[str, Any]]:
    """Post until the door gives a final answer; the door drops what it saw twice."""
    said = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            door.pause(min(0.2 * 2**attempt, _LONGEST_WAIT_SECONDS))
        try:
            status, answer = _exchange(door, body)
        except (OSError, http.client.HTTPException) as error:
            said = type(error).__name__
            continue
        if status in _REFUSED_KEY:
            raise BadInput(
                f"The door at {door.url} does not know this write key ({status});"
                " make one with `questlog keys add SOURCE`, or check --key."
            )
        if status in (_OK, _UNREADABLE, _TOO_MUCH):
            return status, orjson.loads(answer) if status == _OK else {}
        said = f"status {status}"
        if status != _SLOW_DOWN and status < _BROKEN:
            raise BadInput(f"{door.url} answered {status}: is it the door of Questlog?")
    raise Unavailable(
        f"The door at {door.url} did not take a batch in {_ATTEMPTS} attempts ({said})."
        " Is it running? `questlog up` starts it."
    )


def _exchange(door: Door, body: bytes) -> tuple[int, bytes]:
    address = urlsplit(door.url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise BadInput(f"{door.url!r} is no address; write it like http://host:port.")
    kind = (
        http.client.HTTPSConnection
        if address.scheme == "https"
        else http.client.HTTPConnection
    )
    connection = kind(address.hostname, address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST",
            address.path.rstrip("/") + _ROUTE,
            body=body,
            headers={
                "Authorization": f"Bearer {door.key}",
                "Content-Type": "application/json",
            },
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
