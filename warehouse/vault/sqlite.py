"""A vault in one SQLite file, for its owner alone."""

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from warehouse.durable import private_folder
from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.vault.store import SCHEMA, Row, Rows

_PATIENCE_S = 10.0
_WORDS = {"bytes": "blob", "number": "integer primary key"}


class SqliteStore:
    """An open file; safe to use from several threads and several processes."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self.connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file, made with modes 0600 and 0700 if absent.

        Raises BadSetting when it is no database, Unavailable when it cannot be reached.
        """
        try:
            with _alone_in(path.parent):
                return cls(path, _connected(path))
        except (sqlite3.OperationalError, OSError) as error:
            raise Unavailable(
                f"The vault at {path} cannot be opened: {error}."
            ) from error
        except sqlite3.DatabaseError as error:
            raise BadSetting(
                f"{path} is no vault, or a damaged one: {error}."
                " Restore it from its backup, or move it away to start an empty one."
            ) from error

    @property
    def place(self) -> str:
        """The file."""
        return f"at {self._path}"

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self.connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Rows]:
        """See Store."""
        with self._transaction("begin") as rows:
            yield rows

    @contextlib.contextmanager
    def writing(self) -> Iterator[Rows]:
        """See Store."""
        with self._transaction("begin immediate") as rows:
            yield rows

    def scrub(self) -> bool:
        """Empty the write-ahead log, which keeps old pages; deleting overwrites others.

        False while somebody reads an old state of the file.
        """
        with self._guarded() as connection:
            pragma = connection.execute("pragma wal_checkpoint(truncate)")
            return not pragma.fetchone()[0]

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator["_SqliteRows"]:
        with self._guarded() as connection:
            connection.execute(begin)
            try:
                yield _SqliteRows(connection)
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        with self._lock:
            try:
                yield self.connection
            except sqlite3.OperationalError as error:
                raise Unavailable(
                    f"The vault at {self._path} does not answer: {error}."
                ) from error
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:
                    raise  # a fault of ours, not of the file
                raise BadInput(
                    f"The vault at {self._path} is damaged: {error}."
                    " Restore it from its backup."
                ) from error


class _SqliteRows:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        return self._connection.execute(query, values).fetchall()

    def tell(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        self._connection.executemany(statement, rows)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
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


def _connected(path: Path) -> sqlite3.Connection:
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
    for statement in SCHEMA:
        connection.execute(statement.format(**_WORDS))
    return connection
