"""The chDB engine: one data directory, one handle a request, one a session."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from warehouse.embedded.configuration import write_configuration
from warehouse.embedded.lexer import Statement
from warehouse.embedded.protocol import Fault, Request, Summary, fault
from warehouse.errors import StackFailed

DATABASE = "questlog"
"""The database of a client that names none. chDB's own `default` is an overlay that
lacks refreshable views and reads files, so a client that asks for it gets this one."""

_STREAMED = frozenset(
    """
    Native TabSeparated TSV TabSeparatedRaw TSVRaw CSV RowBinary JSONEachRow JSONLines
    NDJSON JSONCompactEachRow LineAsString Values
    """.split()
)
"""Formats whose chunks are a whole when put one after the other."""

_PROBE_BYTES = 1 << 20


@dataclass(slots=True)
class Session:
    """The handle of a `session_id` and what the last request left in force on it."""

    handle: Any
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires_at: float = 0.0
    database: str = DATABASE
    settings: dict[str, str] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a statement: its chunks hold a handle until they are closed."""

    chunks: Iterator[bytes]
    summary: Summary
    has_result: bool


class Engine:
    """The engine over one data directory. Open it once in a process, never fork after."""

    def __init__(self, folder: Path) -> None:
        """Open a data directory. Raises StackFailed when it is held or broken."""
        self._lock = _take(folder)
        configuration = write_configuration(folder)
        self._address = f"{folder / 'data'}?config-file={configuration}&database="
        self._sessions: dict[str, Session] = {}
        self._guard = threading.Lock()
        try:
            self._first = self._connect("system")
            self._first.query(f"create database if not exists {DATABASE}")
            version = self._first.query("select version(), timezone()", "TSV").bytes()
        except RuntimeError as error:
            self._lock.close()
            raise StackFailed(
                f"The embedded engine cannot open {folder}: {error}"
                " Restore the folder from a backup, or move it away to start empty."
            ) from error
        self.version, self.timezone = version.decode().strip().split("\t")

    def close(self) -> None:
        """Let go of every handle and of the data directory."""
        for session in self._sessions.values():
            session.handle.close()
        self._first.close()
        self._lock.close()

    def kill(self, tag: str) -> None:
        """Stop the running query of a tag; nothing happens when there is none."""
        self._kill(f"Settings['log_comment'] = {quoted(tag)}")

    def kill_all(self) -> None:
        """Stop every running query."""
        self._kill("query not ilike 'kill query%'")

    def _kill(self, which: str) -> None:
        with contextlib.suppress(RuntimeError), self._fresh() as handle:
            handle.query(f"kill query where {which} async")

    def run(
        self, request: Request, statement: Statement, data: Iterable[bytes], tag: str
    ) -> Answer:
        """Run one statement; `data` are the bytes of an INSERT.

        Raises Fault with the engine's own words. The tag names the query for `kill`.
        """
        stack = contextlib.ExitStack()
        try:
            handle = stack.enter_context(self._handle(request, statement, tag))
            return _run(handle, request, statement, data, stack)
        except RuntimeError as error:
            stack.close()
            raise Fault(str(error)) from None
        except BaseException:
            stack.close()
            raise

    def _connect(self, database: str) -> Any:
        import chdb

        return chdb.connect(self._address + database)

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[Any]:
        handle = self._connect(DATABASE)
        try:
            yield handle
        finally:
            handle.close()

    @contextlib.contextmanager
    def _handle(
        self, request: Request, statement: Statement, tag: str
    ) -> Iterator[Any]:
        settings = {"log_comment": tag} | dict(request.settings)
        database = _existing(request.database)
        if request.session_id:
            with self._session(request) as session:
                if request.read_only:
                    _only_reads(session.handle, statement)
                if statement.kind == "SET":
                    settings = {}
                _prepare(session, settings, database or session.database)
                yield session.handle
                if statement.kind == "USE":
                    session.database = _current_database(session.handle)
            return
        with self._fresh() as handle:
            if database and database != DATABASE:
                handle.query(f"use {identifier(database)}")
            readonly = {"readonly": "2"} if request.read_only else {}
            _set(handle, settings | readonly)
            yield handle

    @contextlib.contextmanager
    def _session(self, request: Request) -> Iterator[Session]:
        session = self._found_session(request)
        if not session.lock.acquire(blocking=False):
            message = f"Session {request.session_id} is locked by a concurrent client"
            raise fault(373, "SESSION_IS_LOCKED", message)
        try:
            yield session
        finally:
            session.expires_at = time.monotonic() + request.session_timeout
            if request.close_session:
                session.handle.close()
                with self._guard:
                    self._sessions.pop(request.session_id, None)
            session.lock.release()

    def _found_session(self, request: Request) -> Session:
        with self._guard:
            self._forget_expired(time.monotonic())
            session = self._sessions.get(request.session_id)
            if session is None and request.session_check:
                raise fault(372, "SESSION_NOT_FOUND", "Session not found")
            if session is None:
                session = Session(self._connect(DATABASE))
                session.expires_at = time.monotonic() + request.session_timeout
                self._sessions[request.session_id] = session
            return session

    def _forget_expired(self, now: float) -> None:
        for name, session in list(self._sessions.items()):
            if session.expires_at < now and session.lock.acquire(blocking=False):
                session.handle.close()
                del self._sessions[name]


def _take(folder: Path) -> TextIO:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (folder / "holder").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise StackFailed(
            f"The data directory {folder} is held by process {holder}."
            " Stop it, or set QUESTLOG_HOME to another folder."
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _run(
    handle: Any,
    request: Request,
    statement: Statement,
    data: Iterable[bytes],
    stack: contextlib.ExitStack,
) -> Answer:
    if statement.data_at is not None:
        summary = _insert(handle, request, statement, data)
        stack.close()
        return Answer(iter(()), summary, has_result=False)
    output = statement.format or request.format or "TabSeparated"
    parameters = dict(request.parameters)
    if statement.kind in {"SELECT", "WITH", "(", "FROM"} and output in _STREAMED:
        with contextlib.suppress(_NotStreamable):
            return _streamed(handle, statement.text, output, parameters, stack)
    result = handle.query(statement.text, output, params=parameters)
    content = result.bytes()
    summary = _summary(result)
    stack.close()
    return Answer(iter((content,)), summary, bool(content))


class _NotStreamable(Exception):
    """The engine streams SELECT alone; nothing was run yet."""


def _streamed(
    handle: Any,
    text: str,
    output: str,
    parameters: Mapping[str, str],
    stack: contextlib.ExitStack,
) -> Answer:
    started = time.monotonic_ns()
    try:
        stream = handle.send_query(text, output, params=parameters)
    except RuntimeError as error:
        if "Streaming query is not supported" in str(error):
            raise _NotStreamable from error
        raise
    stack.callback(stream.close)
    summary = Summary()
    probe: list[bytes] = []
    size = 0
    while size < _PROBE_BYTES and (chunk := stream.fetch()) is not None:
        probe.append(_counted(chunk, summary))
        size += len(probe[-1])
    summary.elapsed_ns = time.monotonic_ns() - started
    if size < _PROBE_BYTES:
        stack.close()
        return Answer(iter(probe), summary, has_result=True)
    return Answer(_rest(probe, stream, summary, stack), summary, has_result=True)


def _rest(
    probe: list[bytes], stream: Any, summary: Summary, stack: contextlib.ExitStack
) -> Iterator[bytes]:
    with stack:
        yield from probe
        probe.clear()
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


def _insert(
    handle: Any, request: Request, statement: Statement, data: Iterable[bytes]
) -> Summary:
    started = time.monotonic_ns()
    for name, value in request.parameters.items():
        handle.query(f"set param_{name} = {quoted(value)}")
    inserter = handle.send_insert(statement.text, statement.format)
    try:
        for chunk in data:
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


def _prepare(session: Session, settings: Mapping[str, str], database: str) -> None:
    """Put a request's settings in force on a session's handle, and no others."""
    handle = session.handle
    lasting = {name: value for name, value in settings.items() if name != "log_comment"}
    if lasting != session.settings:
        for name, value in session.before.items():
            default = "default" if value is None else quoted(value)
            handle.query(f"set {name} = {default}")
        session.settings, session.before = {}, {}
        if lasting:
            session.before = _in_force(handle, tuple(lasting))
            session.settings = lasting
            _set(handle, lasting)
    if "log_comment" in settings:
        _set(handle, {"log_comment": settings["log_comment"]})
    if _current_database(handle) != database:
        handle.query(f"use {identifier(database)}")


def _in_force(handle: Any, names: tuple[str, ...]) -> dict[str, str | None]:
    import json

    listed = ", ".join(quoted(name) for name in names)
    found = handle.query(
        f"select name, value from system.settings where changed and name in ({listed})",
        "JSONCompactEachRow",
    ).bytes()
    changed = dict(json.loads(line) for line in found.splitlines())
    return {name: changed.get(name) for name in names}


def _set(handle: Any, settings: Mapping[str, str]) -> None:
    if settings:
        pairs = ", ".join(f"{name} = {quoted(v)}" for name, v in settings.items())
        handle.query(f"set {pairs}")


def _current_database(handle: Any) -> str:
    name: str = handle.query("select currentDatabase()", "TSVRaw").bytes().decode()
    return name.removesuffix("\n")


def _only_reads(handle: Any, statement: Statement) -> None:
    if not statement.kind:
        return
    seen = handle._conn.classify_query(statement.text)  # noqa: SLF001 - not wrapped
    if seen["query_class"].name != "READ_ONLY" and statement.kind not in {"SET", "USE"}:
        message = "Cannot execute query in readonly mode. Use method POST"
        raise fault(164, "READONLY", message)


def _existing(database: str) -> str:
    return DATABASE if database == "default" else database


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
