"""A block on its way into ClickHouse: sent again, it is identical to the last byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestion.records import Kind, Record
from ingestion.rows import EVENT_COLUMNS, REFUSAL_COLUMNS, with_load
from warehouse.clickhouse import rows
from warehouse.errors import MigrationFailed, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RECORDS_A_BLOCK: Final = 20_000

_TABLES: Final[dict[Kind, tuple[str, tuple[str, ...]]]] = {
    "accepted": ("raw.events", EVENT_COLUMNS),
    "refused": ("raw.refused_events", REFUSAL_COLUMNS),
}
# One block, one part: the token then stands for all of it or none of it.
_SETTINGS: Final = {
    "input_format_parallel_parsing": 0,
    "max_insert_block_size": 10 * RECORDS_A_BLOCK,
    "min_insert_block_size_rows": 10 * RECORDS_A_BLOCK,
    "async_insert": 0,
    "insert_deduplicate": 1,
}


@dataclass(frozen=True, slots=True)
class Block:
    """What was fixed about a block before it was sent for the first time."""

    first: int
    last: int
    loaded_at: str
    token: str


def insert(client: "Client", block: Block, records: Sequence[Record]) -> None:
    """Put a block into both raw tables; repeated, it changes nothing.

    Raises Unavailable when ClickHouse cannot take it now, MigrationFailed when the
    tables are not there.
    """
    for kind, (table, columns) in _TABLES.items():
        ready = [record.row for record in records if record.kind == kind]
        if ready:
            lines = with_load(ready, block.loaded_at)
            _insert_rows(client, table, columns, lines, block)


def _insert_rows(
    client: "Client", table: str, columns: Sequence[str], lines: bytes, block: Block
) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    settings = _SETTINGS | {"insert_deduplication_token": f"{block.token}-{table}"}
    try:
        client.raw_insert(
            table,
            column_names=list(columns),
            insert_block=lines,
            settings=settings,
            fmt="JSONEachRow",
        )
    except OperationalError as error:
        raise Unavailable("ClickHouse went away while a block was loaded.") from error
    except DatabaseError as error:
        if "UNKNOWN_TABLE" in str(error) or "UNKNOWN_DATABASE" in str(error):
            raise MigrationFailed(
                f"{table} is not there yet: run `questlog migrate`."
            ) from error
        raise Unavailable(
            f"ClickHouse refused a block for {table}: {_without_rows(error)}."
        ) from error


def _without_rows(error: Exception) -> str:
    """The code of ClickHouse's error; its text may quote an event."""
    import re

    found = re.search(r"\b([A-Z][A-Z_]{5,})\b", str(error))
    return found.group(1) if found else type(error).__name__


def without_those_there(
    client: "Client", block: Block, records: Sequence[Record], *, imported_from: str
) -> list[Record]:
    """The records of an import's block whose table has none of that block yet.

    A token is remembered for a number of blocks only; an import may be taken up
    again after weeks. A table takes a block whole or not at all, so that one row
    tells of all.
    """
    there = {
        kind
        for kind, (table, _) in _TABLES.items()
        if rows(
            client,
            f"select 1 from {table} where imported and source = {{source:String}}"
            " and loaded_at = {loaded_at:String} limit 1",
            {"source": imported_from, "loaded_at": block.loaded_at},
        )
    }
    return [record for record in records if record.kind not in there]
