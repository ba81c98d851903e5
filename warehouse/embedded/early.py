"""What ASGI has no message for: headers while a query runs, and a body in passing.

ClickHouse sends X-ClickHouse-Progress line by line, so that a client that waits long
hears something. The first line settles the status: an error that follows comes under
200, with X-ClickHouse-Exception-Code among the headers, here as there.

A large body passes through in hundreds of pieces. As messages, each costs two copies
and two turns of the event loop, which is a third of the time that an INSERT of plain
columns takes.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_EXTENSION = "questlog.early"

Early = Callable[[str, str], None]
Taker = Callable[[bytes], None]


class _Transport:
    """A connection whose next response may have begun before uvicorn begins it."""

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def tell(self, name: str, value: str) -> None:
        """Send one header, after the status line if it is the first."""
        begin = b"" if self._begun else STATUS_LINE[200]
        self._begun = True
        self._inner.write(begin + f"{name}: {value}\r\n".encode())

    def write(self, data: bytes) -> None:
        if self._begun:
            # uvicorn writes a head in one piece; its status line comes too late
            self._begun = False
            data = data.partition(b"\r\n")[2]
        self._inner.write(data)


class Protocol(HttpToolsProtocol):
    """uvicorn's own, with `early` and `diverted` for the application."""

    _taker: Taker | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Stand between uvicorn and the connection."""
        super().connection_made(cast("asyncio.Transport", _Transport(transport)))

    def on_message_begin(self) -> None:
        """Hand the ways around ASGI on to the application."""
        super().on_message_begin()
        self._taker = None
        tell = cast("_Transport", self.transport).tell
        ways: dict[object, object] = {"tell": tell, "divert": self._divert}
        self.scope["extensions"] = {_EXTENSION: ways}

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to who has asked for it, else to uvicorn."""
        if self._taker is None:
            super().on_body(body)
        else:
            self._taker(body)

    def _divert(self, taker: Taker) -> FlowControl:
        self._taker = taker
        return self.flow


def early(scope: Mapping[str, Any]) -> Early:
    """What sends a header of the response to come; call it before that begins."""
    tell: Early = scope["extensions"][_EXTENSION]["tell"]
    return tell


def diverted(scope: Mapping[str, Any], taker: Taker) -> FlowControl:
    """Let what is still to come of a body go to a taker, on the event loop.

    The message of ASGI that ends the body comes as ever; in between, the caller pauses
    and resumes the reading. Call it where the last message has told of more to come,
    before the loop turns.
    """
    flow: FlowControl = scope["extensions"][_EXTENSION]["divert"](taker)
    return flow
