"""A block on its way into ClickHouse: sent again, it is identical to the last byte."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestion.records import COLUMNS, Kind, Record
from ingestion.rows import with_load
from warehouse.line_insert import holds, insert_arrays

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RECORDS_A_BLOCK: Final = 50_000
BYTES_A_BLOCK: Final = 64 * 1024 * 1024
_BYTES_A_PIECE: Final = 64 * 1024

TABLES: Final[dict[Kind, str]] = {
    "accepted": "raw.events",
    "refused": "raw.refused_events",
    # last: where a canary has arrived, the events of its block have
    "canary": "ops.canaries",
}
# One block, one part: the token then stands for all of it or none of it. Rows alone
# count, for ClickHouse would cut a block of 256 MiB in two.
_SETTINGS: Final[dict[str, object]] = {
    "input_format_parallel_parsing": 0,
    "max_insert_block_size": 10 * RECORDS_A_BLOCK,
    "min_insert_block_size_rows": 10 * RECORDS_A_BLOCK,
    "min_insert_block_size_bytes": 0,
    "async_insert": 0,
    # a log may hold rows from before the last column was added
    "input_format_json_compact_allow_variable_number_of_columns": 1,
    # an event's objects stay the text they are
    "input_format_json_read_objects_as_strings": 1,
    "insert_deduplicate": 1,
}


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Rows with the moment of their load, some kilobytes at a time, each time anew.

    Written all at once they would fill tens of megabytes that the system has to find
    and clear for every block: three times the work.
    """

    ready: Sequence[bytes]
    loaded_at: str

    def __iter__(self) -> Iterator[bytes]:
        gathered: list[bytes] = []
        size = 0
        for rows in self.ready:
            gathered.append(rows)
            size += len(rows)
            if size >= _BYTES_A_PIECE:
                yield with_load(b"".join(gathered), self.loaded_at)
                gathered, size = [], 0
        if size:
            yield with_load(b"".join(gathered), self.loaded_at)


@dataclass(frozen=True, slots=True)
class Block:
    """What was fixed about a block before it was sent for the first time."""

    first: int
    last: int
    loaded_at: str
    token: str


def insert(client: "Client", block: Block, records: Sequence[Record]) -> None:
    """Put a block into its tables; repeated, it changes nothing.

    Raises Unavailable when ClickHouse cannot take it now, MigrationFailed when the
    tables are not there.
    """
    for kind, table in TABLES.items():
        ready = [record.rows for record in records if record.kind == kind]
        if any(ready):
            token: dict[str, object] = {
                "insert_deduplication_token": f"{block.token}-{table}"
            }
            insert_arrays(
                client,
                table=table,
                columns=("loaded_at", *COLUMNS[kind]),
                lines=_Pieces(ready, block.loaded_at),
                settings=_SETTINGS | token,
            )


def without_those_there(
    client: "Client", block: Block, records: Sequence[Record]
) -> list[Record]:
    """The records of a block that may have been sent, where its table has none yet.

    A token is remembered for a number of blocks only; a block may be taken up again
    after weeks. A table takes a block whole or not at all, so that its first row,
    with the moment the block was cut, tells of all.
    """
    first: dict[Kind, Record] = {}
    for record in records:
        if record.count:
            first.setdefault(record.kind, record)
    there = {kind for kind in first if _is_there(client, block, first[kind])}
    return [record for record in records if record.kind not in there]


def _is_there(client: "Client", block: Block, record: Record) -> bool:
    table, key = TABLES[record.kind], COLUMNS[record.kind][0]
    value = json.loads(record.rows.partition(b"\n")[0])[0]
    return holds(client, table=table, loaded_at=block.loaded_at, key=key, value=value)
