"""A body that is still on its way while the engine already reads its beginning."""

import asyncio
import queue
from collections.abc import Iterator
from typing import Final

from warehouse.embedded.protocol import fault
from warehouse.embedded.replies import Receive

_HELD_BYTES: Final = 4 << 20


class Incoming:
    """What follows the part of a body that has been received.

    `pump` runs on the event loop and ends when the client leaves; one thread iterates.
    No more than some megabytes are held: the client waits for the engine then.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._chunks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._held = 0
        self._room = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_whole = False
        self._is_wanted = True

    def __iter__(self) -> Iterator[bytes]:
        """The bytes as they come. Raises Fault when the client leaves in the middle."""
        while (chunk := self._chunks.get()) is not None:
            self._loop.call_soon_threadsafe(self._give, len(chunk))
            yield chunk
        if not self._is_whole:
            message = "The client left before its request was whole"
            raise fault(210, "NETWORK_ERROR", message)

    async def pump(self) -> None:
        """Take in the body, then wait until the client has left."""
        try:
            while not self._is_whole:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return
                self._is_whole = not message.get("more_body")
                await self._take(message.get("body", b""))
        finally:
            self._chunks.put(None)
            self._ended.set()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def dropped(self) -> None:
        """Let the rest of the body come and go, for who sends hears only afterwards."""
        self._is_wanted = False
        self._room.set()
        await self._ended.wait()

    async def _take(self, chunk: bytes) -> None:
        if chunk and self._is_wanted:
            self._chunks.put(chunk)
            self._held += len(chunk)
        while self._held > _HELD_BYTES and self._is_wanted:
            self._room.clear()
            await self._room.wait()

    def _give(self, size: int) -> None:
        self._held -= size
        self._room.set()
