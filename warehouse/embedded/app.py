"""The HTTP side: who is let in, and what comes back while a query runs or after it."""

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import inf
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from warehouse.embedded import external, protocol, replies
from warehouse.embedded.early import Early, early
from warehouse.embedded.engine import Engine
from warehouse.embedded.incoming import Incoming
from warehouse.embedded.progress import Progress
from warehouse.embedded.protocol import Fault, Request, fault
from warehouse.embedded.replies import Broken, Message, Receive, Reply, Send
from warehouse.embedded.statements import Content, Statements
from warehouse.embedded.users import Doorkeeper, User
from warehouse.errors import QuestlogError

_THREADS = 48
_BEGINNING_BYTES = 256 << 10
"""Of a body, before the engine begins to read; most bodies are whole by then."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True)
class _Client:
    """The other end of a request under way; `gone` is done when it has left."""

    send: Send
    early: Early
    gone: "asyncio.Task[None]"
    coming: Incoming | None

    async def has_sent(self) -> None:
        """Wait until no more of the request comes: most clients hear only then."""
        if self.coming:
            await self.coming.dropped()

    async def hears(self, reply: Reply) -> None:
        """Send a whole reply."""
        await self.has_sent()
        await replies.send_whole(reply, self.send)


class Endpoint:
    """The ASGI application over one engine."""

    def __init__(self, engine: Engine, *, spool: Path, doorkeeper: Doorkeeper) -> None:
        self._engine = engine
        self._statements = Statements(engine, spool)
        self._doorkeeper = doorkeeper
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="query")
        self._running: set[str] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        reply = _without_engine(scope, headers)
        if reply is not None:
            await replies.send_whole(reply, send)
            return
        with self._statements.spool() as body:
            most = inf if external.is_form(headers) else _BEGINNING_BYTES
            received = await _received(receive, body, most)
            if received is _Received.NOT:
                return
            in_part = received is _Received.IN_PART
            coming = Incoming(scope, receive) if in_part else None
            left = coming.pump() if coming else _disconnected(receive)
            client = _Client(send, early(scope), asyncio.create_task(left), coming)
            try:
                await self._admit(scope, headers, body, client)
            finally:
                client.gone.cancel()

    async def _admit(
        self,
        scope: Message,
        headers: Mapping[str, str],
        body: IO[bytes],
        client: _Client,
    ) -> None:
        try:
            parts = external.form(body, headers)
            request = protocol.request(
                scope["method"],
                scope["query_string"],
                headers,
                external.fields(body, parts),
                external.names(parts),
            )
            user = await self._admitted(request)
        except Fault as error:
            await client.hears(self._statements.told_fault(error))
            return
        body.seek(0)
        request = replace(request, read_only=request.read_only or user.read_only)
        await self._answer(request, Content(body, parts, user, client.coming), client)

    def stopped(self, *, within_seconds: float) -> bool:
        """Take no more work; whether all work has ended in time."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + within_seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self._running

    async def _admitted(self, request: Request) -> User:
        """Who asks: at once where the password was seen before, else in a thread."""
        known = self._doorkeeper.remembered(request.user, request.password)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                None, self._doorkeeper.admitted, request.user, request.password
            )
        except QuestlogError as error:
            raise fault(516, "AUTHENTICATION_FAILED", str(error)) from None

    async def _answer(
        self, request: Request, content: Content, client: _Client
    ) -> None:
        tag = request.query_id or str(uuid4())
        if tag in self._running:
            message = f"Query with id = {tag} is already running"
            error = fault(216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", message)
            await client.hears(self._statements.told_fault(error))
            return
        self._running.add(tag)
        progress = Progress()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._threads, self._statements.reply, request, content, tag, progress
        )
        try:
            await _while_running(work, request, progress, client)
            if not work.done():
                await loop.run_in_executor(None, self._engine.kill_reading, tag)
            reply = await work
            if reply.is_whole:
                await client.hears(reply)
            else:
                await client.has_sent()
                await self._send(reply, client, tag)
        finally:
            self._running.discard(tag)

    async def _send(self, reply: Reply, client: _Client, tag: str) -> None:
        loop = asyncio.get_running_loop()
        following = partial(
            loop.run_in_executor, self._threads, next, reply.chunks, None
        )
        try:
            await client.send(replies.start(reply))
            while True:
                step = following()
                await _first(step, client.gone)
                if client.gone.done():
                    await loop.run_in_executor(None, self._engine.kill_reading, tag)
                chunk = await step
                if chunk is None or client.gone.done():
                    break
                await client.send(replies.body(chunk, more=True))
            await client.send(replies.body(b"", more=False))
        except Broken as broken:
            # without a last chunk the client sees that the result is not whole
            await client.send(replies.body(broken.tail, more=True))
        finally:
            await loop.run_in_executor(self._threads, replies.close, reply.chunks)


async def _while_running(
    work: "asyncio.Future[Reply]",
    request: Request,
    progress: Progress,
    client: _Client,
) -> None:
    """Wait for a reply or for the client to leave; tell how far it is, if asked to."""
    every_s = request.progress_ms / 1000 or None
    while not await _first(work, client.gone, within_s=every_s):
        client.early("X-ClickHouse-Progress", progress.header())


async def _first(*waited: "asyncio.Future[Any]", within_s: float | None = None) -> bool:
    """Wait for whatever comes first; False when nothing comes in time."""
    done, _ = await asyncio.wait(
        waited, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
    )
    return bool(done)


def _without_engine(scope: Message, headers: dict[str, str]) -> Reply | None:
    """The answer to what needs no engine, or to a web page, which has no business."""
    host = headers.get("host", "127.0.0.1")
    host = host if host.endswith("]") else host.rsplit(":", 1)[0]
    if host not in _LOOPBACK or "origin" in headers:
        refusal = "The endpoint serves programs of this machine, not web pages."
        return replies.plain(403, refusal)
    is_ping = scope["path"] in {"/ping", "/replicas_status"}
    is_idle = scope["path"] == "/" and scope["method"] in {"GET", "HEAD"}
    if is_ping or (is_idle and b"query=" not in scope["query_string"]):
        return replies.plain(200, "Ok.")
    if scope["path"] != "/":
        unknown = "There is no such handle; use /, /ping or /replicas_status."
        return replies.plain(404, unknown)
    return None


class _Received(Enum):
    """How much of a body is there."""

    NOT = "the client left"
    IN_PART = "a beginning"
    WHOLE = "all"


async def _received(receive: Receive, body: IO[bytes], most: float) -> _Received:
    """Take the body in, as long as it is not larger than `most` bytes."""
    while body.tell() < most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return _Received.NOT
        body.write(message.get("body", b""))
        if not message.get("more_body"):
            body.seek(0)
            return _Received.WHOLE
    body.seek(0)
    return _Received.IN_PART


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
