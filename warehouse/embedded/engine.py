"""The chDB engine: one data directory, one handle a request, one a session."""

import contextlib
import fcntl
import json
import os
import re
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4

from warehouse.durable import private_folder
from warehouse.embedded import default_database, roles
from warehouse.embedded.batcher import SMALL_BYTES, Batcher
from warehouse.embedded.configuration import write_configuration
from warehouse.embedded.default_database import NAME as DATABASE
from warehouse.embedded.execution import Answer, Held, execute
from warehouse.embedded.external import Table
from warehouse.embedded.gathered import (
    PlainTables,
    joined,
    may_join,
    taken,
    whole_rows,
)
from warehouse.embedded.lexer import Statement
from warehouse.embedded.pipe import forget_pipes
from warehouse.embedded.progress import Progress
from warehouse.embedded.protocol import Fault, Request, Summary, fault
from warehouse.embedded.start import at_fault, engines_words
from warehouse.embedded.text import identifier, quoted
from warehouse.embedded.users import User
from warehouse.errors import StackFailed

_PLAIN = re.compile(r"[\w.-]+\Z", re.ASCII)


@dataclass(slots=True)
class Session:
    """The handle of a `session_id` and what the last request left in force on it.

    `database` is the session's own, `current` the one in force. `before` holds the
    values that `settings` of a request replaced; None where it was the default.
    """

    handle: Any
    lock: threading.Lock = field(default_factory=threading.Lock)
    expires_at: float = 0.0
    database: str = DATABASE
    current: str = DATABASE
    settings: dict[str, str] = field(default_factory=dict)
    before: dict[str, str | None] = field(default_factory=dict)


class Engine:
    """The engine over one data directory: one in a process, which never forks after."""

    def __init__(
        self,
        folder: Path,
        patterns: Collection[str] = (),
        *,
        backups: Path | None = None,
        fsync: bool = True,
    ) -> None:
        """Open a data directory. Raises StackFailed when it is held or broken.

        The patterns are those of databases that a user may be restricted to. With
        `fsync` an insert waits for the disk; backups go to their folder.
        """
        self._lock = _take(folder)
        self._patterns = roles.known(folder / "data", patterns)
        configuration = write_configuration(
            folder, self._patterns, backups=backups, fsync=fsync
        )
        self._address = f"{folder / 'data'}?config-file={configuration}"
        self._pipes = folder / "tmp"
        forget_pipes(self._pipes)
        default_database.store(folder / "data")
        self._sessions: dict[tuple[str, str], Session] = {}
        self._guard = threading.Lock()
        self._batcher = Batcher()
        self._plain = PlainTables(self._asked)
        words: list[str] = []
        try:
            with engines_words(words):
                self._first = self._connect("system")
            about = self._first.query("select version(), timezone()", "TSV").bytes()
        except RuntimeError as error:
            self._lock.close()
            raise StackFailed(
                f"The embedded engine cannot open {folder}:"
                f" {at_fault(folder / 'data', words) or Fault(str(error))}"
                " Restore the folder from a backup, or move it away to start empty."
            ) from error
        self.version, self.timezone = about.decode().strip().split("\t")

    def close(self) -> None:
        """Let go of every handle and of the data directory."""
        for session in self._sessions.values():
            session.handle.close()
        self._first.close()
        self._lock.close()

    def kill_reading(self, tag: str) -> None:
        """Stop the query of a tag if it only reads; what writes runs to its end."""
        self._kill(f"Settings['log_comment'] = {quoted(tag)} and query_kind = 'Select'")

    def kill_all(self) -> None:
        """Stop every running query."""
        self._kill("query not ilike 'kill query%'")

    def forget_what_is_built(self) -> bool:
        """Let the next build of the models be whole; whether anything was built."""
        with self._fresh("system", "") as handle:
            there = handle.query("exists table staging.stg_build", "TSV").bytes()
            if there.strip() != b"1":
                return False
            handle.query("truncate table staging.stg_build")
        return True

    def _kill(self, which: str) -> None:
        with contextlib.suppress(Fault), self._fresh("system", "") as handle:
            handle.query(f"kill query where {which} async")

    def run(  # noqa: PLR0913 - a statement, and all that comes with it
        self,
        request: Request,
        statement: Statement,
        data: Iterable[bytes],
        tag: str,
        tables: Sequence[Table] = (),
        *,
        user: User,
        progress: Progress,
    ) -> Answer:
        """Run one statement; `data` are the bytes of an INSERT.

        The tag names the query for `kill_reading`; the tables are there for it alone;
        `progress` follows it. Small inserts are written together with their like.
        Raises Fault with the engine's own words.
        """
        if not tables and may_join(request, statement):
            head, data = taken(data, SMALL_BYTES)
            rows = len(head) <= SMALL_BYTES and whole_rows(statement.format, head)
            if rows and self._plain.is_plain(statement, request.database or DATABASE):
                return self._gathered(request, statement, head, rows, user)
        return self._alone(request, statement, data, tag, tables, user, progress)

    def _gathered(
        self, request: Request, statement: Statement, body: bytes, rows: int, user: User
    ) -> Answer:
        """Write a small insert together with others that differ in their rows only."""

        def write(bodies: Sequence[bytes]) -> Summary:
            data = (joined(bodies),)
            tag = str(uuid4())
            own = Progress()
            return self._alone(request, statement, data, tag, (), user, own).summary

        settings = tuple(sorted(request.settings.items()))
        text = (statement.text, statement.format, request.database)
        key = (user.name, user.databases, text, settings)
        summary = self._batcher.insert(key, body, rows, write)
        return Answer(iter(()), summary, has_result=False)

    def _asked(self, query: str) -> bytes:
        with self._fresh(DATABASE, "") as handle:
            found: bytes = handle.query(query, "TSV").bytes()
        return found

    def _alone(  # noqa: PLR0913, PLR0917 - what `run` is given
        self,
        request: Request,
        statement: Statement,
        data: Iterable[bytes],
        tag: str,
        tables: Sequence[Table],
        user: User,
        progress: Progress,
    ) -> Answer:
        stack = Held(self._pipes, progress)
        try:
            handle = stack.enter_context(self._handle(request, statement, tag, user))
            for table in tables:
                stack.callback(table.drop, handle)
                table.load(handle)
            return execute(handle, request, statement, data, stack)
        except RuntimeError as error:
            stack.close()
            raise Fault(str(error)) from None
        except BaseException:
            stack.close()
            raise

    def _connect(self, database: str, tag: str = "") -> Any:
        import chdb

        comment = f"&log_comment={tag}" if tag else ""
        return chdb.connect(f"{self._address}&database={database}{comment}")

    @contextlib.contextmanager
    def _fresh(self, database: str, tag: str) -> Iterator[Any]:
        plain = _PLAIN.match(database)
        try:
            handle = self._connect(
                database if plain else DATABASE, tag if _PLAIN.match(tag) else ""
            )
        except RuntimeError as error:
            raise Fault(str(error)) from None
        try:
            if not plain:
                handle.query(f"use {identifier(database)}")
            yield handle
        finally:
            handle.close()

    @contextlib.contextmanager
    def _handle(
        self, request: Request, statement: Statement, tag: str, user: User
    ) -> Iterator[Any]:
        own_roles = roles.of(user, self._patterns)
        database = request.database
        if request.session_id:
            with self._session(request) as session:
                _take_roles(session.handle, own_roles)
                if request.read_only:
                    _only_reads(session.handle, statement)
                # what is SET in a session stays, so nothing is put beside it
                wanted = {} if statement.kind == "SET" else request.settings
                _prepare(session, wanted, database or session.database, tag)
                yield session.handle
                if statement.kind == "USE":
                    session.database = session.current = _current(session.handle)
            return
        with self._fresh(database or DATABASE, tag) as handle:
            own = {} if _PLAIN.match(tag) else {"log_comment": tag}
            _take_roles(handle, own_roles)
            readonly = {"readonly": "2"} if request.read_only else {}
            _set(handle, own | dict(request.settings) | readonly)
            yield handle

    @contextlib.contextmanager
    def _session(self, request: Request) -> Iterator[Session]:
        session = self._taken_session(request)
        try:
            yield session
        finally:
            with self._guard:
                session.expires_at = time.monotonic() + request.session_timeout
                if request.close_session:
                    session.handle.close()
                    del self._sessions[request.user, request.session_id]
            session.lock.release()

    def _taken_session(self, request: Request) -> Session:
        with self._guard:
            self._forget_expired(time.monotonic())
            session = self._sessions.get((request.user, request.session_id))
            if session is None:
                if request.session_check:
                    raise fault(372, "SESSION_NOT_FOUND", "Session not found")
                session = Session(self._connect(DATABASE))
                self._sessions[request.user, request.session_id] = session
            if not session.lock.acquire(blocking=False):
                message = f"Session {request.session_id} is locked by another request"
                raise fault(373, "SESSION_IS_LOCKED", message)
            return session

    def _forget_expired(self, now: float) -> None:
        for name, session in list(self._sessions.items()):
            if session.expires_at < now and session.lock.acquire(blocking=False):
                session.handle.close()
                del self._sessions[name]


def _take(folder: Path) -> TextIO:
    private_folder(folder)
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
    lock.write(f"{os.getpid()} ({' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])})\n")
    lock.flush()
    return lock


def _prepare(
    session: Session, settings: Mapping[str, str], database: str, tag: str
) -> None:
    """Put a request's settings in force on a session's handle, and no others."""
    if dict(settings) != session.settings:
        _set(session.handle, session.before)
        session.settings, session.before = {}, {}
        if settings:
            session.before = _in_force(session.handle, tuple(settings))
            _set(session.handle, settings)
            session.settings = dict(settings)
    if "log_comment" not in settings:
        _set(session.handle, {"log_comment": tag})
    if session.current != database:
        session.handle.query(f"use {identifier(database)}")
        session.current = database


def _take_roles(handle: Any, names: Sequence[str]) -> None:
    """From here on the engine itself allows this handle what the roles allow."""
    if names:
        handle.query("set role " + ", ".join(identifier(name) for name in names))


def _in_force(handle: Any, names: tuple[str, ...]) -> dict[str, str | None]:
    listed = ", ".join(quoted(name) for name in names)
    found = handle.query(
        f"select name, value from system.settings where changed and name in ({listed})",
        "JSONCompactEachRow",
    ).bytes()
    changed = dict(json.loads(line) for line in found.splitlines())
    return {name: changed.get(name) for name in names}


def _set(handle: Any, settings: Mapping[str, str | None]) -> None:
    if settings:
        pairs = (
            f"{name} = {'default' if value is None else quoted(value)}"
            for name, value in settings.items()
        )
        handle.query("set " + ", ".join(pairs))


def _current(handle: Any) -> str:
    name: str = handle.query("select currentDatabase()", "TSVRaw").bytes().decode()
    return name.removesuffix("\n")


def _only_reads(handle: Any, statement: Statement) -> None:
    """A session's handle outlives the request, so `readonly` cannot be set on it."""
    seen = handle._conn.classify_query(statement.text)  # noqa: SLF001 - not wrapped
    if seen["query_class"].name != "READ_ONLY" and statement.kind not in {"SET", "USE"}:
        raise fault(164, "READONLY", "Cannot execute query in readonly mode")
