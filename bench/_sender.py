"""A sender of events over raw sockets, cheap enough not to be what is measured.

Run as `python -m bench._sender PORT KEY JSON`, with a Load as JSON; it prints what it
sent, how long answers took, and the CPU it used itself, as one line of JSON.
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_PEOPLE: Final = 500
_AGENT: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
_ACCEPTED: Final = b'{"accepted":%d,"refused":0,'


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: `phase` marks its ids; `rate` is in events a second, 0 for most.

    Without `is_counted` an answer of 200 is enough, whatever it says.
    """

    phase: int
    seconds: float
    batch: int
    connections: int
    rate: int = 0
    is_counted: bool = True


@dataclass(slots=True)
class Sent:
    """What came of it; `answered` are moments and seconds, in order of the answers."""

    requests: int = 0
    events: int = 0
    failed: int = 0
    body_bytes: int = 0
    began: float = 0.0
    ended: float = 0.0
    cpu_s: float = 0.0
    answered: list[tuple[float, float]] = field(default_factory=list)


def bodies(load: Load) -> Iterator[bytes]:
    """Bodies of a load without end, made from texts with places for ids."""
    event_id = f"{load.phase:08x}-0000-4000-8000-%012x"
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    texts = [
        _text(event_id, range(start, start + load.batch), now.replace("+00:00", "Z"))
        for start in range(0, _PEOPLE, load.batch)
    ]
    for number in itertools.count():
        first = number * load.batch
        yield texts[number % len(texts)] % tuple(range(first, first + load.batch))


def _text(event_id: str, people: range, moment: str) -> bytes:
    events = [_event(event_id, person, moment) for person in people]
    if len(events) == 1:
        return events[0].encode()
    return f'{{"events":[{",".join(events)}]}}'.encode()


def _event(event_id: str, person: int, moment: str) -> str:
    event = {
        "event_id": event_id,
        "timestamp": moment,
        "event_name": "rolled",
        "event_version": "1.0",
        "user_id": f"person-{person:06d}",
        "anonymous_id": f"device-{person:06d}-7f3e9c2a51",
        "session_id": f"session-{person:06d}-2b8d04",
        "properties": {"dice": "2d20", "result": person % 40 + 1},
        "context": {
            "page_url": f"https://app.example.com/table/{person}/session?tab=dice",
            "referrer": "https://www.example.com/campaigns/the-lost-mine-of-the-north"
            "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn",
            "user_agent": _AGENT,
            "locale": "de-DE",
        },
    }
    # but for the id's, no percent sign may stand in it: it would be a place
    return json.dumps(event, separators=(",", ":"))


class _Connection(asyncio.Protocol):
    """Sends, waits for the answer, and sends again until it is told to stop."""

    def __init__(self, sender: "_Sender") -> None:
        self._sender = sender
        self._heard = b""
        self._began = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._sender.is_free(self)

    def send(self, due: float) -> None:
        """Send the next request; its answer is timed from when it was due."""
        self._began = due
        body = next(self._sender.bodies)
        self._sender.sent.body_bytes += len(body)
        self._transport.write(self._sender.head % len(body) + body)

    def data_received(self, data: bytes) -> None:
        heard = self._heard + data if self._heard else data
        head, found, rest = heard.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().partition(b"content-length: ")[2].split()[0])
            if len(rest) >= length:
                self._heard = b""
                self._sender.answered(head, rest, self._began)
                self._sender.is_free(self)
                return
        self._heard = heard

    def connection_lost(self, _: Exception | None) -> None:
        self._sender.lost()

    def close(self) -> None:
        """End the connection."""
        self._transport.close()


class _Sender:
    """All connections of a load."""

    def __init__(self, port: int, key: str, load: Load) -> None:
        self.load = load
        self.bodies = bodies(load)
        self.sent = Sent()
        self.head = (
            f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"X-Write-Key: {key}\r\nContent-Type: application/json\r\n"
        ).encode() + b"Content-Length: %d\r\n\r\n"
        self._says = _ACCEPTED % load.batch
        self._free: asyncio.Queue[_Connection] = asyncio.Queue()
        self._open = load.connections
        self._ended = asyncio.Event()
        self._port = port

    async def run(self) -> Sent:
        """Send for the load's seconds, and wait for the last answers."""
        loop = asyncio.get_running_loop()
        self.sent.began = time.time()
        self._stops_at = time.perf_counter() + self.load.seconds
        for _ in range(self.load.connections):
            await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
        if self.load.rate:
            await self._paced()
        await self._ended.wait()
        self.sent.ended = time.time()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.sent.cpu_s = used.ru_utime + used.ru_stime
        return self.sent

    async def _paced(self) -> None:
        """Send at the rate, whatever the answers take: a late one delays none."""
        every = self.load.batch / self.load.rate
        due = time.perf_counter()
        while due < self._stops_at:
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            (await self._free.get()).send(due)
            due += every
        for _ in range(self.load.connections):
            (await self._free.get()).close()

    def is_free(self, connection: _Connection) -> None:
        """A connection may send again."""
        now = time.perf_counter()
        if self.load.rate:
            self._free.put_nowait(connection)
        elif now < self._stops_at:
            connection.send(now)
        else:
            connection.close()

    def answered(self, head: bytes, body: bytes, began: float) -> None:
        """Note an answer."""
        took = time.perf_counter() - began
        self.sent.requests += 1
        self.sent.answered.append((time.time(), took))
        good = head.startswith(b"HTTP/1.1 200") and (
            not self.load.is_counted or body.startswith(self._says)
        )
        if good:
            self.sent.events += self.load.batch
        else:
            self.sent.failed += 1

    def lost(self) -> None:
        """A connection is closed."""
        self._open -= 1
        if self._open == 0:
            self._ended.set()


def main(port: str, key: str, load: str) -> None:
    """Send one load."""
    import uvloop

    sender = _Sender(int(port), key, Load(**json.loads(load)))

    async def sending() -> Sent:
        return await sender.run()

    print(json.dumps(asdict(uvloop.run(sending()))))


if __name__ == "__main__":
    main(*sys.argv[1:])
