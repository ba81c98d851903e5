"""Headers sent while a query still runs, which ASGI has no message for.

ClickHouse sends X-ClickHouse-Progress line by line, so that a client that waits long
hears something. The first line settles the status: an error that follows comes under
200, with X-ClickHouse-Exception-Code among the headers, here as there.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_EXTENSION = "questlog.early"

Early = Callable[[str, str], None]


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
    """uvicorn's own, with `early` for the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Stand between uvicorn and the connection."""
        super().connection_made(cast("asyncio.Transport", _Transport(transport)))

    def on_message_begin(self) -> None:
        """Hand the way to send headers on to the application."""
        super().on_message_begin()
        tell = cast("_Transport", self.transport).tell
        self.scope["extensions"] = {_EXTENSION: {"tell": tell}}


def early(scope: Mapping[str, Any]) -> Early:
    """What sends a header of the response to come; call it before that begins."""
    tell: Early = scope["extensions"][_EXTENSION]["tell"]
    return tell
