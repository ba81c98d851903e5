"""Responses: what they hold, and how their bytes go on the wire."""

import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from warehouse.embedded import encodings, protocol
from warehouse.embedded.protocol import Fault, Request

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
TEXT = {"Content-Type": "text/plain; charset=UTF-8"}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response about to be sent; unless it is whole its query may still run."""

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]
    is_whole: bool = True


class Broken(Exception):
    """The result broke off after its first bytes were sent; `tail` tells why."""

    def __init__(self, tail: bytes) -> None:
        super().__init__("the result broke off")
        self.tail = tail


def plain(status: int, text: str) -> Reply:
    """A response of one line."""
    return Reply(status, {**TEXT}, iter((f"{text}\n".encode(),)))


def start(reply: Reply) -> Message:
    """The message of a response's head."""
    pairs = [
        (name.lower().encode(), _CONTROL.sub(b"?", value.encode("latin-1", "replace")))
        for name, value in reply.headers.items()
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": pairs}


def body(content: bytes, *, more: bool) -> Message:
    """The message of a piece of a response's body."""
    return {"type": "http.response.body", "body": content, "more_body": more}


async def send_whole(reply: Reply, send: Send) -> None:
    """Send a response that is known to its end."""
    content = b"".join(reply.chunks)
    reply.headers["Content-Length"] = str(len(content))
    await send(start(reply))
    await send(body(content, more=False))


def compressor(request: Request) -> encodings.Compressor | None:
    """What the client wants its result packed by; None for nothing."""
    encoding = request.accept_encoding
    if request.wants_frames:
        return encodings.framed(encoding)
    return encodings.compressor(encoding) if encoding else None


def encoded(
    chunks: Iterator[bytes], compress: encodings.Compressor | None, tag: str
) -> Iterator[bytes]:
    """The chunks as they go on the wire. Raises Broken when the query fails now."""
    try:
        for chunk in chunks:
            yield compress.compress(chunk) if compress else chunk
    except Fault as error:
        tail = protocol.late_fault(error, tag)
        if compress:
            tail = compress.compress(tail) + compress.flush()
        raise Broken(tail) from None
    finally:
        close(chunks)
    if compress:
        yield compress.flush()


def close(chunks: Iterator[bytes]) -> None:
    """Give up what is left of a generator's chunks."""
    end = getattr(chunks, "close", None)
    if end is not None:
        end()
