"""The vault's file: a SQLite database that only its owner can read."""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from warehouse.durable import private_folder

_SCHEMA = """
create table if not exists vault (
    name text primary key,
    value blob not null
) without rowid;
create table if not exists people (
    id integer primary key,
    person blob not null unique,
    wrapped_key blob not null
);
create table if not exists secrets (
    person_id integer not null,
    name text not null,
    token blob not null,
    at_us integer not null,
    sealed blob not null,
    primary key (person_id, name, token)
) without rowid;
create table if not exists analytics_decisions (
    person blob primary key,
    at_us integer not null,
    denied integer not null
) without rowid;
"""
_PATIENCE_S = 10.0
# parameters a query takes at once; SQLite's oldest limit is 999
_AT_ONCE = 500


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from opening a vault here at the same moment.

    SQLite does not wait its turn while a file becomes a database.
    """
    private_folder(folder)
    folder.chmod(0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def connected(path: Path) -> sqlite3.Connection:
    """The database of a file, made with mode 0600 if absent."""
    # the file has its mode before SQLite writes the first byte; one that is there is
    # not opened here, for closing it would drop the locks of this process's others
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(
        path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
    )
    for pragma in ("journal_mode = wal", "synchronous = full", "secure_delete = on"):
        connection.execute(f"pragma {pragma}")
    connection.executescript(_SCHEMA)
    return connection


def in_parts(
    connection: sqlite3.Connection, query: str, values: Sequence[object]
) -> list[tuple[Any, ...]]:
    """The rows of a query with one `in ({})`, however many values there are."""
    rows = []
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        rows += connection.execute(query.format(marks), part).fetchall()
    return rows
