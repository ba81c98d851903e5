"""The HTTP side: bodies in, statements run in threads, results out."""

import asyncio
import contextlib
import hmac
import logging
import secrets
import socket
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from warehouse.embedded import lexer, protocol
from warehouse.embedded.engine import Answer, Engine
from warehouse.embedded.protocol import Fault, Request, fault
from warehouse.errors import StackFailed

logger = logging.getLogger(__name__)

_HEAD_BYTES = 256 << 10
_MEMORY_BYTES = 16 << 20
_CHUNK = 1 << 20
_THREADS = 48

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response about to be sent; `chunks` may still be running the query."""

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]


class Endpoint:
    """The ASGI application over one engine."""

    def __init__(self, engine: Engine, *, user: str, password: str) -> None:
        self._engine = engine
        self._user = user
        self._password = password
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="query")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        reply = _without_engine(scope, headers)
        if reply is not None:
            await _send_all(reply, send)
            return
        with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES) as body:
            if await _received(receive, body):
                await self._answer(scope, headers, body, receive, send)

    async def _answer(
        self,
        scope: Message,
        headers: dict[str, str],
        body: IO[bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        tag = str(uuid4())
        gone = asyncio.create_task(_disconnected(receive))
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(
            self._threads, self._reply, scope, headers, body, tag
        )
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                loop.run_in_executor(None, self._engine.kill, tag)
            reply = await work
            await self._send(reply, send, gone)
        finally:
            gone.cancel()

    async def _send(self, reply: Reply, send: Send, gone: "asyncio.Task[None]") -> None:
        loop = asyncio.get_running_loop()
        chunks = reply.chunks
        try:
            first = await loop.run_in_executor(self._threads, next, chunks, None)
            await send(_start(reply))
            while first is not None and not gone.done():
                await send(
                    {"type": "http.response.body", "body": first, "more_body": True}
                )
                first = await loop.run_in_executor(self._threads, next, chunks, None)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except _Broken as broken:
            # no last chunk: the client sees that the result is not whole
            message = {
                "type": "http.response.body",
                "body": broken.tail,
                "more_body": True,
            }
            await send(message)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                await loop.run_in_executor(self._threads, close)

    def _reply(
        self, scope: Message, headers: dict[str, str], body: IO[bytes], tag: str
    ) -> Reply:
        """Run a request to the point where its first bytes can be sent."""
        try:
            request = protocol.request(scope["method"], scope["query_string"], headers)
            self._admit(request)
            answer = self._run(request, body, request.query_id or tag)
            return self._told(request, *answer, request.query_id or tag)
        except Fault as error:
            return self._told_fault(error)

    def _admit(self, request: Request) -> None:
        known = hmac.compare_digest(request.user.encode(), self._user.encode())
        right = hmac.compare_digest(request.password.encode(), self._password.encode())
        if not (known and right):
            raise fault(
                516,
                "AUTHENTICATION_FAILED",
                f"{request.user}: Authentication failed: password is incorrect,"
                " or there is no user with such name",
            )

    def _run(
        self, request: Request, body: IO[bytes], tag: str
    ) -> tuple[lexer.Statement, Answer]:
        chunks = protocol.decompressed(_read(body), request.content_encoding)
        if request.query:
            chunks = chain((request.query.encode() + b"\n",), chunks)
        head, rest = _head(chunks)
        statement = lexer.read(head)
        if statement.data_at is None and (more := b"".join(rest)):
            head += more
            statement = lexer.read(head)
        if not statement.kind:
            raise fault(62, "SYNTAX_ERROR", "Empty query")
        if statement.refused_because:
            raise _refused(statement.refused_because)
        data = chain((head[statement.data_at :],), rest)
        return statement, self._engine.run(request, statement, data, tag)

    def _told(
        self, request: Request, statement: lexer.Statement, answer: Answer, tag: str
    ) -> Reply:
        chunks = answer.chunks
        if request.whole:
            chunks = _spooled(chunks)
        headers = {
            "X-ClickHouse-Summary": answer.summary.header(),
            "X-ClickHouse-Query-Id": tag,
            "X-ClickHouse-Timezone": request.settings.get("session_timezone")
            or self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "questlog",
            "Content-Type": "text/plain; charset=UTF-8",
        }
        if answer.has_result:
            name = statement.format or request.format or "TabSeparated"
            headers["X-ClickHouse-Format"] = name
            headers["Content-Type"] = protocol.content_type(name)
        exception_tag = secrets.token_hex(8)
        headers["X-ClickHouse-Exception-Tag"] = exception_tag
        if request.accept_encoding and answer.has_result:
            headers["Content-Encoding"] = request.accept_encoding
        encoding = request.accept_encoding if answer.has_result else ""
        return Reply(200, headers, _encoded(chunks, encoding, exception_tag))

    def _told_fault(self, error: Fault) -> Reply:
        text = str(error).strip()
        if "(version " not in text:
            text += f" (version {self._engine.version} (official build))"
        headers = {
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Timezone": self._engine.timezone,
            "Content-Type": "text/plain; charset=UTF-8",
        }
        return Reply(error.status, headers, iter((text.encode() + b"\n",)))


class _Broken(Exception):
    def __init__(self, tail: bytes) -> None:
        super().__init__("the result broke off")
        self.tail = tail


def _without_engine(scope: Message, headers: dict[str, str]) -> Reply | None:
    """The answer to what needs no engine, or to a page that has no business here."""
    text = {"Content-Type": "text/plain; charset=UTF-8"}
    host = headers.get("host", "127.0.0.1").rsplit(":", 1)[0]
    if host not in {"127.0.0.1", "localhost", "[::1]"} or "origin" in headers:
        return Reply(
            403, text, iter((b"The endpoint serves programs of this machine.\n",))
        )
    ping = scope["path"] in {"/ping", "/replicas_status"}
    idle = scope["path"] == "/" and scope["method"] in {"GET", "HEAD"}
    if ping or (idle and b"query=" not in scope["query_string"]):
        return Reply(200, text, iter((b"Ok.\n",)))
    if scope["path"] != "/":
        return Reply(
            404,
            text,
            iter((b"There is no handle; use /, /ping or /replicas_status.\n",)),
        )
    return None


def _refused(because: str) -> Fault:
    if because.startswith("Multi-statements"):
        return fault(
            62, "SYNTAX_ERROR", f"Syntax error (Multi-statements are not allowed)"
        )
    return fault(497, "ACCESS_DENIED", f"Refused by the embedded endpoint: {because}")


async def _received(receive: Receive, body: IO[bytes]) -> bool:
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
        (k.encode(), v.encode("latin-1", "replace")) for k, v in reply.headers.items()
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": pairs}


async def _send_all(reply: Reply, send: Send) -> None:
    await send(_start(reply))
    await send({"type": "http.response.body", "body": b"".join(reply.chunks)})


def _read(body: IO[bytes]) -> Iterator[bytes]:
    while chunk := body.read(_CHUNK):
        yield chunk


def _head(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    rest = iter(chunks)
    head = b""
    while len(head) < _HEAD_BYTES and (chunk := next(rest, None)) is not None:
        head += chunk
    return head, rest


def _spooled(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, once all of them are known to be good."""
    spool = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115
    try:
        for chunk in chunks:
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)

    def again() -> Iterator[bytes]:
        with spool:
            yield from _read(spool)

    return again()


def _encoded(chunks: Iterator[bytes], encoding: str, tag: str) -> Iterator[bytes]:
    compress = protocol.compressor(encoding) if encoding else None
    try:
        for chunk in chunks:
            sent = compress.compress(chunk) if compress else chunk
            if sent:
                yield sent
    except Fault as error:
        tail = protocol.late_fault(error, tag)
        if compress:
            tail = compress.compress(tail) + compress.flush()
        raise _Broken(tail) from None
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    if compress:
        yield compress.flush()


def serve(folder: Path, port: int, *, user: str, password: str) -> None:
    """Serve the engine of a folder on loopback until SIGTERM.

    Raises StackFailed when the port is taken or the folder cannot be opened.
    """
    import uvicorn

    listener = _bound(port)
    engine = Engine(folder.resolve())
    endpoint = Endpoint(engine, user=user, password=password)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            threading.Thread(target=engine.kill_all, daemon=True).start()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        endpoint,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    Server(config).run(sockets=[listener])
    engine.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StackFailed(
            f"Port {port} of 127.0.0.1 is taken, so the ClickHouse endpoint cannot"
            " start. Stop what uses it, or set QUESTLOG_ENDPOINT_PORT to another port."
        ) from error
    return listener
