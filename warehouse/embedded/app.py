"""The HTTP side: bodies in, statements run in threads, results out."""

import asyncio
import logging
import secrets
import tempfile
import time
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    MutableMapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from warehouse.embedded import encodings, external, framing, lexer, protocol, roles
from warehouse.embedded.engine import Engine
from warehouse.embedded.execution import Answer
from warehouse.embedded.protocol import Fault, Request, fault
from warehouse.embedded.refusals import refused_parameters
from warehouse.embedded.users import Doorkeeper, User
from warehouse.errors import QuestlogError

logger = logging.getLogger(__name__)

_HEAD_BYTES = 256 << 10
_MEMORY_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20
_THREADS = 48
_TEXT = {"Content-Type": "text/plain; charset=UTF-8"}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

Parts = Sequence[external.Part]
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


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request, where the parts of a multipart one lie, and who asks."""

    body: IO[bytes]
    parts: Parts
    user: User


class _Broken(Exception):
    """The result broke off after its first bytes were sent; `tail` tells why."""

    def __init__(self, tail: bytes) -> None:
        super().__init__("the result broke off")
        self.tail = tail


class Endpoint:
    """The ASGI application over one engine."""

    def __init__(self, engine: Engine, *, spool: Path, doorkeeper: Doorkeeper) -> None:
        self._engine = engine
        self._spool = partial(
            tempfile.SpooledTemporaryFile, max_size=_MEMORY_BYTES, dir=spool
        )
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
            await _send_whole(reply, send)
            return
        with self._spool() as body:
            if not await _received(receive, body):
                return
            try:
                parts = external.form(body, headers.get("content-type", ""))
                request = _read_request(scope, headers, body, parts)
                loop = asyncio.get_running_loop()
                user = await loop.run_in_executor(None, self._admitted, request)
            except Fault as error:
                await _send_whole(self._told_fault(error), send)
                return
            body.seek(0)
            request = replace(request, read_only=request.read_only or user.read_only)
            await self._answer(request, Content(body, parts, user), receive, send)

    def stopped(self, *, within_seconds: float) -> bool:
        """Take no more work; whether all work has ended in time."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + within_seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self._running

    def _admitted(self, request: Request) -> User:
        try:
            return self._doorkeeper.admitted(request.user, request.password)
        except QuestlogError as error:
            raise fault(516, "AUTHENTICATION_FAILED", str(error)) from None

    async def _answer(
        self, request: Request, content: Content, receive: Receive, send: Send
    ) -> None:
        tag = request.query_id or str(uuid4())
        if tag in self._running:
            message = f"Query with id = {tag} is already running"
            error = fault(216, "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING", message)
            await _send_whole(self._told_fault(error), send)
            return
        self._running.add(tag)
        gone = asyncio.create_task(_disconnected(receive))
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._reply, request, content, tag)
        waited: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await loop.run_in_executor(None, self._engine.kill_reading, tag)
            reply = await work
            if reply.is_whole:
                await _send_whole(reply, send)
            else:
                await self._send(reply, send, gone, tag)
        finally:
            gone.cancel()
            self._running.discard(tag)

    async def _send(
        self, reply: Reply, send: Send, gone: "asyncio.Task[None]", tag: str
    ) -> None:
        loop = asyncio.get_running_loop()
        following = partial(
            loop.run_in_executor, self._threads, next, reply.chunks, None
        )
        try:
            await send(_start(reply))
            while True:
                step = following()
                waited: set[asyncio.Future[Any]] = {step, gone}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    await loop.run_in_executor(None, self._engine.kill_reading, tag)
                chunk = await step
                if chunk is None or gone.done():
                    break
                await send(_body(chunk, more=True))
            await send(_body(b"", more=False))
        except _Broken as broken:
            # without a last chunk the client sees that the result is not whole
            await send(_body(broken.tail, more=True))
        finally:
            await loop.run_in_executor(self._threads, _close, reply.chunks)

    def _reply(self, request: Request, content: Content, tag: str) -> Reply:
        """Run a request to the point where its first bytes can be sent."""
        try:
            statement, answer = self._run(request, content, tag)
            chunks = answer.chunks
            if request.whole and not answer.is_whole:
                chunks = self._spooled(chunks)
        except Fault as error:
            return self._told_fault(error)
        headers = {
            **_TEXT,
            "X-ClickHouse-Summary": answer.summary.header(),
            "X-ClickHouse-Query-Id": tag,
            "X-ClickHouse-Timezone": request.settings.get("session_timezone")
            or self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "questlog",
        }
        if not answer.has_result:
            return Reply(200, headers, chunks)
        output = statement.format or request.format or "TabSeparated"
        exception_tag = secrets.token_hex(8)
        headers["X-ClickHouse-Format"] = output
        headers["X-ClickHouse-Exception-Tag"] = exception_tag
        headers["Content-Type"] = protocol.content_type(output)
        if request.accept_encoding:
            headers["Content-Encoding"] = request.accept_encoding
        encoded = _encoded(chunks, _compressor(request), exception_tag)
        if answer.is_whole:
            return Reply(200, headers, iter(list(encoded)))
        return Reply(200, headers, encoded, is_whole=False)

    def _run(
        self, request: Request, content: Content, tag: str
    ) -> tuple[lexer.Statement, Answer]:
        body, parts = content.body, content.parts
        chunks: Iterator[bytes] = iter(())
        if not parts:
            chunks = encodings.decompressed(_read(body), request.content_encoding)
            chunks = framing.unframed(chunks) if request.is_framed else chunks
        if request.content_encoding or request.is_framed:
            # what breaks off must not look to the engine as if it ended
            chunks = self._spooled(chunks)
        if request.query:
            chunks = chain((request.query.encode() + b"\n",), chunks)
        head, rest = _head(chunks)
        statement = lexer.read(head)
        if statement.data_at is None and (more := b"".join(rest)):
            head += more
            statement = lexer.read(head)
        if not statement.kind:
            raise fault(62, "SYNTAX_ERROR", "Syntax error: Empty query")
        because = (
            statement.refused_because
            or refused_parameters(request.parameters, statement.text)
            or roles.refusal(content.user, statement.text)
        )
        if because:
            raise protocol.refused(because)
        data = chain((head[statement.data_at :],), rest)
        tables = external.tables(body, parts, request.tables)
        return statement, self._engine.run(
            request, statement, data, tag, tables, user=content.user
        )

    def _spooled(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, once all of them are known to be good."""
        spool = self._spool()
        try:
            for chunk in chunks:
                spool.write(chunk)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return _read(spool)

    def _told_fault(self, error: Fault) -> Reply:
        text = str(error).strip()
        if "(version " not in text:
            text += f" (version {self._engine.version} (official build))"
        headers = {
            **_TEXT,
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        return Reply(error.status, headers, iter((text.encode() + b"\n",)))


def _without_engine(scope: Message, headers: dict[str, str]) -> Reply | None:
    """The answer to what needs no engine, or to a web page, which has no business."""
    host = headers.get("host", "127.0.0.1")
    host = host if host.endswith("]") else host.rsplit(":", 1)[0]
    if host not in _LOOPBACK or "origin" in headers:
        refusal = b"The endpoint serves programs of this machine, not web pages.\n"
        return Reply(403, {**_TEXT}, iter((refusal,)))
    is_ping = scope["path"] in {"/ping", "/replicas_status"}
    is_idle = scope["path"] == "/" and scope["method"] in {"GET", "HEAD"}
    if is_ping or (is_idle and b"query=" not in scope["query_string"]):
        return Reply(200, {**_TEXT}, iter((b"Ok.\n",)))
    if scope["path"] != "/":
        unknown = b"There is no such handle; use /, /ping or /replicas_status.\n"
        return Reply(404, {**_TEXT}, iter((unknown,)))
    return None


def _read_request(
    scope: Message, headers: dict[str, str], body: IO[bytes], parts: Parts
) -> Request:
    return protocol.request(
        scope["method"],
        scope["query_string"],
        headers,
        external.fields(body, parts),
        external.names(parts),
    )


async def _received(receive: Receive, body: IO[bytes]) -> bool:
    """Take the body in; whether it came whole."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        body.write(message.get("body", b""))
        if not message.get("more_body"):
            body.seek(0)
            return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(reply: Reply) -> Message:
    pairs = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in reply.headers.items()
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": pairs}


def _body(content: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def _send_whole(reply: Reply, send: Send) -> None:
    content = b"".join(reply.chunks)
    reply.headers["Content-Length"] = str(len(content))
    await send(_start(reply))
    await send(_body(content, more=False))


def _read(body: IO[bytes]) -> Iterator[bytes]:
    with body:
        while chunk := body.read(_CHUNK_BYTES):
            yield chunk


def _head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Enough of a body to know its statement, and what comes after."""
    rest = iter(chunks)
    head = b""
    while len(head) < _HEAD_BYTES and (chunk := next(rest, None)) is not None:
        head += chunk
    return head, rest


def _compressor(request: Request) -> encodings.Compressor | None:
    encoding = request.accept_encoding
    if request.wants_frames:
        return encodings.framed(encoding)
    return encodings.compressor(encoding) if encoding else None


def _encoded(
    chunks: Iterator[bytes], compress: encodings.Compressor | None, tag: str
) -> Iterator[bytes]:
    """The chunks as they go on the wire. Raises _Broken when the query fails now."""
    try:
        for chunk in chunks:
            yield compress.compress(chunk) if compress else chunk
    except Fault as error:
        tail = protocol.late_fault(error, tag)
        if compress:
            tail = compress.compress(tail) + compress.flush()
        raise _Broken(tail) from None
    finally:
        _close(chunks)
    if compress:
        yield compress.flush()


def _close(chunks: Iterator[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
