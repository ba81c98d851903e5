"""A body that is still on its way while the engine already reads its beginning."""

import asyncio
import queue
from collections.abc import Iterator
from typing import Final

from warehouse.embedded.early import diverted
from warehouse.embedded.protocol import fault
from warehouse.embedded.replies import Message, Receive

_HELD_BYTES: Final = 4 << 20


class Incoming:
    """What follows the part of a body that has been received.

    `pump` runs on the event loop and ends when the client leaves; one thread iterates.
    No more than some megabytes are held: the client waits for the engine then.
    """

    def __init__(self, scope: Message, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._chunks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # each is written by one side only: the loop, and the thread
        self._taken_bytes = 0
        self._given_bytes = 0
        self._is_paused = False
        self._ended = asyncio.Event()
        self._is_whole = False
        self._is_wanted = True
        self._flow = diverted(scope, self._take)

    def __iter__(self) -> Iterator[bytes]:
        """The bytes as they come. Raises Fault when the client leaves in the middle."""
        while (chunk := self._chunks.get()) is not None:
            self._given_bytes += len(chunk)
            if self._is_paused and self._held() <= _HELD_BYTES // 2:
                self._loop.call_soon_threadsafe(self._resume)
            yield chunk
        if not self._is_whole:
            message = "The client left before its request was whole"
            raise fault(210, "NETWORK_ERROR", message)

    async def pump(self) -> None:
        """Wait for the body's end, then until the client has left."""
        try:
            while not self._is_whole:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    return
                self._is_whole = not message.get("more_body")
        finally:
            self._chunks.put(None)
            self._ended.set()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def dropped(self) -> None:
        """Let the rest of the body come and go, for who sends hears only afterwards."""
        self._is_wanted = False
        self._resume()
        await self._ended.wait()

    def _take(self, chunk: bytes) -> None:
        if not self._is_wanted:
            return
        self._chunks.put(chunk)
        self._taken_bytes += len(chunk)
        if self._held() > _HELD_BYTES:
            self._is_paused = True
            self._flow.pause_reading()

    def _held(self) -> int:
        return self._taken_bytes - self._given_bytes

    def _resume(self) -> None:
        self._is_paused = False
        if not self._ended.is_set():
            self._flow.resume_reading()
