"""Run one statement on one handle: an insert, a stream of chunks, or a whole result."""

import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from warehouse.embedded.feed import Feed, spoiler
from warehouse.embedded.lexer import SELECTS, Statement
from warehouse.embedded.pipe import Pipe
from warehouse.embedded.progress import Progress
from warehouse.embedded.protocol import Fault, Request, Summary

_STREAMED = frozenset(
    """
    Native TabSeparated TSV TabSeparatedRaw TSVRaw CSV RowBinary JSONEachRow JSONLines
    NDJSON JSONCompactEachRow
    """.split()  # noqa: SIM905 - a table reads better
)
"""Formats whose chunks are a whole when put one after the other."""

_RETURNS = SELECTS | frozenset(
    {"(", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL"}
)
_OUR_PIPE = re.compile(
    r": \(in file/uri /dev/fd/\d+\)(: While executing File)?"
    r"|: data for INSERT was parsed from file"
)
"""What errors tell of the way that the data of an INSERT took."""

_PROBE_BYTES = 1 << 20
_PROBE_NS = 250_000_000
"""Held back before the first byte is sent, so that most errors get their status."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a statement. While it is not whole, its chunks hold a handle."""

    chunks: Iterator[bytes]
    summary: Summary
    has_result: bool
    is_whole: bool = True


class Held(contextlib.ExitStack):
    """What a query holds until its end; `pipes` is the folder for its result."""

    def __init__(self, pipes: Path, progress: Progress) -> None:
        super().__init__()
        self.pipes = pipes
        self.progress = progress


def execute(
    handle: Any,
    request: Request,
    statement: Statement,
    data: Iterable[bytes],
    stack: Held,
) -> Answer:
    """Run a statement; the stack, which holds the handle, is closed at its end.

    Raises RuntimeError with the engine's words.
    """
    if statement.data_at is not None:
        summary = _insert(handle, request, statement, data)
        stack.close()
        return Answer(iter(()), summary, has_result=False)
    output = statement.format or request.format or "TabSeparated"
    parameters = dict(request.parameters)
    handle.set_progress_callback(stack.progress.take)
    stack.callback(handle.set_progress_callback, None)
    if statement.output_at is not None:
        if output not in _STREAMED:
            pipe = Pipe(stack.pipes, handle, statement, output, parameters)
            return _streamed(_Piped(pipe), stack, request.buffer_bytes)
        stream = _stream(handle, statement.text, output, parameters)
        if stream is not None:
            return _streamed(_Chunked(stream), stack, request.buffer_bytes)
    result = handle.query(statement.text, output, params=parameters)
    content = result.bytes()
    summary = _summary(result)
    summary.total_rows_to_read = stack.progress.total_rows_to_read
    stack.close()
    returns = bool(content) or statement.kind in _RETURNS
    return Answer(iter((content,)), summary, has_result=returns)


def _insert(
    handle: Any, request: Request, statement: Statement, data: Iterable[bytes]
) -> Summary:
    text, at = statement.text, statement.input_at
    with Feed(data, spoiler(request, statement)) as feed:
        source = f" from infile '{feed.path}' compression 'none' ".encode()
        form = f" format {statement.format}".encode()
        try:
            result = handle.query(
                text[:at] + source + text[at:] + form, params=dict(request.parameters)
            )
        except RuntimeError as error:
            raise RuntimeError(_OUR_PIPE.sub("", str(error))) from None
    return _summary(result)


def _stream(handle: Any, text: bytes, output: str, parameters: dict[str, str]) -> Any:
    """The result as a stream; None when the engine streams no such statement."""
    try:
        return handle.send_query(text, output, params=parameters)
    except RuntimeError as error:
        if "Streaming query is not supported" in str(error):
            return None
        raise


class _Stream(Protocol):
    """A result that comes in pieces, and what is known of its query so far."""

    summary: Summary

    def fetch(self) -> bytes | None:
        """The next piece; None at the end. Raises RuntimeError."""

    def close(self) -> None:
        """Give up the rest."""


class _Chunked:
    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close: Callable[[], None] = stream.close
        self.summary = Summary()

    def fetch(self) -> bytes | None:
        chunk = self._stream.fetch()
        if chunk is None:
            return None
        content: bytes = chunk.bytes()
        told = self.summary
        told.result_rows += chunk.rows_read()
        told.result_bytes += len(content)
        told.read_rows += chunk.storage_rows_read()
        told.read_bytes += chunk.storage_bytes_read()
        return content


class _Piped:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.close = pipe.close
        self.summary = Summary()
        self._bytes = 0

    def fetch(self) -> bytes | None:
        content = self._pipe.fetch()
        if content is None:
            self.summary.take(_summary(self._pipe.result))
        self._bytes += len(content or b"")
        self.summary.result_bytes = self._bytes
        return content


def _streamed(stream: _Stream, stack: Held, buffer_bytes: int) -> Answer:
    """The first bytes of a result; its summary is told anew at its end."""
    started = time.monotonic_ns()
    stack.callback(stream.close)
    probe: list[bytes] = []
    size = 0
    ended = False
    while size < buffer_bytes or (
        size < _PROBE_BYTES and time.monotonic_ns() - started < _PROBE_NS
    ):
        chunk = stream.fetch()
        if ended := chunk is None:
            break
        probe.append(chunk)
        size += len(chunk)
    _settle(stream.summary, stack.progress, started)
    if ended:
        stack.close()
        return Answer(iter(probe), stream.summary, has_result=True)
    chunks = _chunks(probe, stream, stack, started)
    # begun, so that closing it lets go of the handle
    next(chunks)
    return Answer(chunks, stream.summary, has_result=True, is_whole=False)


def _chunks(
    probe: list[bytes], stream: _Stream, stack: Held, started: int
) -> Iterator[bytes]:
    with stack:
        yield b""
        while probe:
            yield probe.pop(0)
        try:
            while (chunk := stream.fetch()) is not None:
                yield chunk
        except RuntimeError as error:
            raise Fault(str(error)) from None
        _settle(stream.summary, stack.progress, started)


def _settle(summary: Summary, progress: Progress, started: int) -> None:
    """Add what the engine told on the way; of what is not at its end there is more."""
    summary.read_rows = max(summary.read_rows, progress.read_rows)
    summary.read_bytes = max(summary.read_bytes, progress.read_bytes)
    summary.total_rows_to_read = progress.total_rows_to_read
    summary.elapsed_ns = time.monotonic_ns() - started


def _summary(result: Any) -> Summary:
    return Summary(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_written() or result.rows_read(),
        result_bytes=result.bytes_written() or result.size(),
        elapsed_ns=int(result.elapsed() * 1e9),
    )
