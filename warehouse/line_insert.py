"""Insert rows that are JSON text already; the driver's errors become ours."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.errors import MigrationFailed, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_CODE = re.compile(r"\(([A-Z][A-Z_]{5,})\)")


def insert_lines(
    client: "Client",
    *,
    table: str,
    columns: Sequence[str],
    lines: bytes,
    settings: Mapping[str, object],
) -> None:
    """Insert lines into a table, each a JSON object.

    Raises MigrationFailed when the table is not there, Unavailable when the server
    went away or refuses for now. Its text may quote a row, so only its code is told.
    """
    with _errors_ours(table):
        client.raw_insert(
            table,
            column_names=list(columns),
            insert_block=lines,
            settings=dict(settings),
            fmt="JSONEachRow",
        )


def insert_arrays(
    client: "Client",
    *,
    table: str,
    columns: Sequence[str],
    lines: Iterable[bytes],
    settings: Mapping[str, object],
) -> None:
    """Insert lines into a table, each a JSON array of the columns' values.

    They are sent piece by piece, from the first again when the driver tries again: so
    `lines` is no iterator. Read in three quarters of the time. Raises as
    `insert_lines`.
    """
    if iter(lines) is lines:
        raise TypeError("an iterator has nothing to give a second time")
    with _errors_ours(table):
        client.raw_insert(
            table,
            column_names=list(columns),
            insert_block=lines,  # type: ignore[arg-type]
            settings=dict(settings),
            fmt="JSONCompactEachRow",
        )


def holds(
    client: "Client", *, table: str, loaded_at: str, key: str, value: object
) -> bool:
    """Whether a table has a row of a load under a UUID. Raises as `insert_lines`."""
    query = (
        f"select 1 from {table} where loaded_at = {{loaded_at:String}}"
        f" and {key} = {{value:UUID}} limit 1"
    )
    with _errors_ours(table):
        return bool(rows(client, query, {"loaded_at": loaded_at, "value": value}))


@contextlib.contextmanager
def _errors_ours(table: str) -> Iterator[None]:
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    try:
        yield
    except OperationalError as error:
        raise Unavailable(f"ClickHouse went away during work on {table}.") from error
    except DatabaseError as error:
        name = (_CODE.findall(str(error)) or ["no code"])[-1]
        if name in {"UNKNOWN_TABLE", "UNKNOWN_DATABASE"}:
            raise MigrationFailed(
                f"{table} is not there yet: run `questlog migrate`."
            ) from error
        raise Unavailable(
            f"ClickHouse refused rows for {table} ({name})."
            " Its own log says more; the same insert may be tried again."
        ) from error
