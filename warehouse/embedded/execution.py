"""Run one statement on one handle: an insert, a stream of chunks, or a whole result."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from warehouse.embedded.lexer import Statement
from warehouse.embedded.protocol import Fault, Request, Summary
from warehouse.embedded.text import quoted

_STREAMED = frozenset(
    """
    Native TabSeparated TSV TabSeparatedRaw TSVRaw CSV RowBinary JSONEachRow JSONLines
    NDJSON JSONCompactEachRow
    """.split()  # noqa: SIM905 - a table reads better
)
"""Formats whose chunks are a whole when put one after the other."""

_SELECTS = frozenset({"SELECT", "WITH", "(", "FROM"})
_RETURNS = _SELECTS | frozenset(
    {"SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK", "KILL"}
)
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


def execute(
    handle: Any,
    request: Request,
    statement: Statement,
    data: Iterable[bytes],
    stack: contextlib.ExitStack,
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
    if statement.kind in _SELECTS and output in _STREAMED:
        stream = _stream(handle, statement.text, output, parameters)
        if stream is not None:
            return _streamed(stream, stack)
    result = handle.query(statement.text, output, params=parameters)
    content = result.bytes()
    summary = _summary(result)
    stack.close()
    returns = bool(content) or statement.kind in _RETURNS
    return Answer(iter((content,)), summary, has_result=returns)


def _insert(
    handle: Any, request: Request, statement: Statement, data: Iterable[bytes]
) -> Summary:
    started = time.monotonic_ns()
    for name, value in request.parameters.items():
        handle.query(f"set param_{name} = {quoted(value)}")
    inserter = handle.send_insert(statement.text, statement.format)
    try:
        for chunk in data:
            if chunk:
                inserter.append(chunk)
        done = inserter.finish()
    finally:
        inserter.close()
    return Summary(
        read_rows=done.rows_written,
        read_bytes=done.bytes_written,
        written_rows=done.rows_written,
        written_bytes=done.bytes_written,
        result_rows=done.rows_written,
        result_bytes=done.bytes_written,
        elapsed_ns=time.monotonic_ns() - started,
    )


def _stream(handle: Any, text: bytes, output: str, parameters: dict[str, str]) -> Any:
    """The result as a stream; None when the engine streams no such statement."""
    try:
        return handle.send_query(text, output, params=parameters)
    except RuntimeError as error:
        if "Streaming query is not supported" in str(error):
            return None
        raise


def _streamed(stream: Any, stack: contextlib.ExitStack) -> Answer:
    started = time.monotonic_ns()
    stack.callback(stream.close)
    summary = Summary()
    probe: list[bytes] = []
    size = 0
    ended = False
    while size < _PROBE_BYTES and summary.elapsed_ns < _PROBE_NS:
        chunk = stream.fetch()
        summary.elapsed_ns = time.monotonic_ns() - started
        if ended := chunk is None:
            break
        probe.append(_counted(chunk, summary))
        size += len(probe[-1])
    if ended:
        stack.close()
        return Answer(iter(probe), summary, has_result=True)
    chunks = _chunks(probe, stream, summary, stack)
    # begun, so that closing it lets go of the handle
    next(chunks)
    return Answer(chunks, summary, has_result=True, is_whole=False)


def _chunks(
    probe: list[bytes], stream: Any, summary: Summary, stack: contextlib.ExitStack
) -> Iterator[bytes]:
    with stack:
        yield b""
        while probe:
            yield probe.pop(0)
        try:
            while (chunk := stream.fetch()) is not None:
                yield _counted(chunk, summary)
        except RuntimeError as error:
            raise Fault(str(error)) from None


def _counted(chunk: Any, summary: Summary) -> bytes:
    content: bytes = chunk.bytes()
    summary.result_rows += chunk.rows_read()
    summary.result_bytes += len(content)
    summary.read_rows = max(summary.read_rows, chunk.storage_rows_read())
    summary.read_bytes = max(summary.read_bytes, chunk.storage_bytes_read())
    return content


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
