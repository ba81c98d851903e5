"""A vault in a PostgreSQL database, in a schema of its own: for several hosts."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.vault.store import SCHEMA, Row, Rows

if TYPE_CHECKING:
    # its stubs are a package of their own, which is not locked
    from psycopg2.extensions import (  # type: ignore[import-untyped]
        connection as Connection,  # noqa: N812 - a class of theirs
    )
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class of theirs

_WORDS = {
    "bytes": "bytea",
    "number": "bigint generated always as identity primary key",
}
_PATIENCE_S = 10
# one number for all of Questlog: writers of a vault take turns, as SQLite's do
_TURN = 7_361_922


class PostgresStore:
    """An open database; a connection that was lost is made anew at the next call."""

    def __init__(self, url: str, connection: "Connection") -> None:
        self._url = url
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the vault of a database, made there if absent.

        Raises BadSetting for what is no address, Unavailable when nothing answers.
        """
        import psycopg2  # type: ignore[import-untyped]

        try:
            return cls(url, _connected(url))
        except psycopg2.OperationalError as error:
            raise Unavailable(
                "The vault's PostgreSQL (QUESTLOG_VAULT_URL) cannot be reached:"
                f" {_said(error)}."
            ) from None
        except psycopg2.Error as error:
            raise BadSetting(
                f"QUESTLOG_VAULT_URL cannot be used: {_said(error)}."
                " Write it like postgresql://user:password@host:5432/database; the"
                " user must be allowed to make a schema there, or own questlog_vault."
            ) from None

    @property
    def place(self) -> str:
        """The host and the database, as the driver knows them."""
        known = self._connection.get_dsn_parameters()
        return f"in PostgreSQL on {known.get('host', 'localhost')}/{known['dbname']}"

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Rows]:
        """See Store."""
        with self._transaction("begin isolation level repeatable read") as rows:
            yield rows

    @contextlib.contextmanager
    def writing(self) -> Iterator[Rows]:
        """See Store."""
        with self._transaction("begin") as rows:
            rows.ask("select pg_advisory_xact_lock(?)", [_TURN])
            yield rows

    def scrub(self) -> bool:
        """Vacuum the tables whose rows go; the server's own log keeps them longer."""
        with self._guarded() as cursor:
            for table in ("secrets", "people", "analytics_decisions", "erasures"):
                cursor.execute(f"vacuum {table}")
        return True

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator["_PostgresRows"]:
        with self._guarded() as cursor:
            cursor.execute(begin)
            try:
                yield _PostgresRows(cursor)
                cursor.execute("commit")
            except BaseException:
                if not self._connection.closed:
                    cursor.execute("rollback")
                raise

    @contextlib.contextmanager
    def _guarded(self) -> Iterator["Cursor"]:
        import psycopg2

        with self._lock:
            try:
                if self._connection.closed:
                    self._connection = _connected(self._url)
                with self._connection.cursor() as cursor:
                    yield cursor
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                self._connection.close()
                raise Unavailable(
                    f"The vault's PostgreSQL does not answer: {_said(error)}."
                ) from None
            except psycopg2.errors.DataCorrupted as error:
                raise BadInput(
                    f"The vault {self.place} is damaged: {_said(error)}."
                    " Restore it from its backup."
                ) from None


class _PostgresRows:
    def __init__(self, cursor: "Cursor") -> None:
        self._cursor = cursor

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        self._cursor.execute(query.replace("?", "%s"), tuple(values))
        if self._cursor.description is None:
            return []
        return [tuple(map(_plain, row)) for row in self._cursor.fetchall()]

    def tell(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        from psycopg2.extras import execute_batch  # type: ignore[import-untyped]

        execute_batch(
            self._cursor, statement.replace("?", "%s"), [tuple(row) for row in rows]
        )


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _said(error: Exception) -> str:
    """The first line of what the driver says: it never quotes the password."""
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")


def _connected(url: str) -> "Connection":
    import psycopg2

    connection = psycopg2.connect(
        url, connect_timeout=_PATIENCE_S, application_name="questlog vault"
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"set lock_timeout = '{_PATIENCE_S}s'")
        # two that make a schema at once would meet in the catalogue
        cursor.execute("select pg_advisory_lock(%s)", (_TURN,))
        try:
            cursor.execute("create schema if not exists questlog_vault")
            cursor.execute("set search_path to questlog_vault")
            for statement in SCHEMA:
                cursor.execute(statement.format(**_WORDS))
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", (_TURN,))
    return connection
