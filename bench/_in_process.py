"""chDB in a process of its own, called directly: what the endpoint is compared with.

One process holds one engine, so this side is a child. It is configured as the
endpoint's engine is, and times itself.
"""

import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from warehouse.embedded import default_database
from warehouse.embedded.configuration import write_configuration

if TYPE_CHECKING:
    from collections.abc import Callable


class InProcess:
    """The child, asked over a pipe."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(folder, other), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join(30)

    def query(self, sql: str) -> float:
        """Seconds that a statement takes until its whole result is there."""
        return self._asked("query", sql)

    def insert(self, table: str, form: str, file: Path) -> float:
        """Seconds that an insert of a file's bytes takes, without reading the file."""
        return self._asked("insert", table, form, file)

    def write(self, sql: str, form: str, file: Path) -> float:
        """Write a query's result into a file."""
        return self._asked("write", sql, form, file)

    def _asked(self, *words: object) -> float:
        self._pipe.send(words)
        told = self._pipe.recv()
        if isinstance(told, Exception):
            raise told
        seconds: float = told
        return seconds


def _serve(folder: Path, pipe: Connection) -> None:
    import chdb

    folder.mkdir(parents=True, exist_ok=True)
    configuration = write_configuration(folder)
    default_database.store(folder / "data")
    handle = chdb.connect(f"{folder / 'data'}?config-file={configuration}")
    handle.query("create database if not exists beside")
    handle.query("use beside")
    does: dict[str, Callable[..., float]] = {
        "query": _query,
        "insert": _insert,
        "write": _write,
    }
    while words := pipe.recv():
        try:
            pipe.send(does[words[0]](handle, *words[1:]))
        except RuntimeError as error:
            pipe.send(error)
    handle.close()


def _query(handle: Any, sql: str) -> float:
    began = time.perf_counter()
    handle.query(sql, "Native").bytes()
    return time.perf_counter() - began


def _insert(handle: Any, table: str, form: str, file: Path) -> float:
    content = file.read_bytes()
    began = time.perf_counter()
    inserter = handle.send_insert(f"insert into {table}", form)
    try:
        inserter.append(content)
        inserter.finish()
    finally:
        inserter.close()
    return time.perf_counter() - began


def _write(handle: Any, sql: str, form: str, file: Path) -> float:
    began = time.perf_counter()
    file.write_bytes(handle.query(sql, form).bytes())
    return time.perf_counter() - began
