"""A request's statement, run in a thread as far as its first bytes."""

import secrets
import string
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

from warehouse.embedded import encodings, external, framing, lexer, protocol, roles
from warehouse.embedded.engine import Engine
from warehouse.embedded.execution import Answer
from warehouse.embedded.feed import spoiler
from warehouse.embedded.incoming import Incoming
from warehouse.embedded.progress import Progress
from warehouse.embedded.protocol import Fault, Request, fault
from warehouse.embedded.refusals import refused_parameters
from warehouse.embedded.replies import TEXT, Reply, compressor, encoded
from warehouse.embedded.users import User

_HEAD_BYTES = 256 << 10
_MEMORY_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 20
_TAG_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a request, where the parts of a multipart one lie, and who asks.

    `coming` is what follows of a body that is not whole yet.
    """

    body: IO[bytes]
    parts: Sequence[external.Part]
    user: User
    coming: Incoming | None = None


class Statements:
    """Runs requests on one engine; what is too large for memory lies in `folder`."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self.spool = partial(
            tempfile.SpooledTemporaryFile, max_size=_MEMORY_BYTES, dir=folder
        )
        """Makes a file that stays in memory while it is small."""

    def reply(
        self, request: Request, content: Content, tag: str, progress: Progress
    ) -> Reply:
        """Run a request to the point where its first bytes can be sent."""
        try:
            statement, answer = self._run(request, content, tag, progress)
            chunks = answer.chunks
            if request.whole and not answer.is_whole:
                chunks = self._spooled(chunks)
        except Fault as error:
            return self.told_fault(error, tag)
        headers = self._headers(request, tag)
        headers["X-ClickHouse-Summary"] = answer.summary.header()
        if not answer.has_result:
            return Reply(200, headers, chunks)
        output = statement.format or request.format or "TabSeparated"
        exception_tag = _exception_tag()
        headers["X-ClickHouse-Format"] = output
        headers["X-ClickHouse-Exception-Tag"] = exception_tag
        headers["Content-Type"] = protocol.content_type(output)
        if request.accept_encoding:
            headers["Content-Encoding"] = request.accept_encoding
        packed = encoded(chunks, compressor(request), exception_tag)
        if answer.is_whole:
            return Reply(200, headers, iter(list(packed)))
        return Reply(200, headers, packed, is_whole=False)

    def told_fault(self, error: Fault, tag: str = "") -> Reply:
        """An error as a response."""
        text = str(error).strip()
        if "(version " not in text:
            text += f" (version {self._engine.version} (official build))"
        headers = {
            **TEXT,
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        if tag:
            headers["X-ClickHouse-Query-Id"] = tag
        return Reply(error.status, headers, iter((text.encode() + b"\n",)))

    def _headers(self, request: Request, tag: str) -> dict[str, str]:
        return {
            **TEXT,
            "X-ClickHouse-Query-Id": tag,
            "X-ClickHouse-Timezone": request.settings.get("session_timezone")
            or self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "questlog",
        }

    def _run(
        self, request: Request, content: Content, tag: str, progress: Progress
    ) -> tuple[lexer.Statement, Answer]:
        head, rest = _head(self._text(request, content))
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
        if spoiler(request, statement) is None and (
            content.coming or request.content_encoding or request.is_framed
        ):
            # what breaks off must not look to the engine as if it ended
            rest = self._spooled(rest)
        data = chain((head[statement.data_at :],), rest)
        tables = external.tables(content.body, content.parts, request.tables)
        return statement, self._engine.run(
            request,
            statement,
            data,
            tag,
            tables,
            user=content.user,
            progress=progress,
        )

    def _text(self, request: Request, content: Content) -> Iterator[bytes]:
        """The statement and its data, plain."""
        chunks: Iterator[bytes] = iter(())
        if not content.parts:
            received = chain(_read(content.body), content.coming or ())
            chunks = encodings.decompressed(received, request.content_encoding)
            chunks = framing.unframed(chunks) if request.is_framed else chunks
        if request.query:
            return chain((request.query.encode() + b"\n",), chunks)
        return chunks

    def _spooled(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, once all of them are known to be good."""
        spool = self.spool()
        try:
            for chunk in chunks:
                spool.write(chunk)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return _read(spool)


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


def _exception_tag() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(_TAG_LETTERS))
