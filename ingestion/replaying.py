"""Put a stretch of the log into ClickHouse again, where rows of it are missing.

For a warehouse restored from an older backup: what it has stays, what it lacks comes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from ingestion import moments
from ingestion.blocks import RECORDS_A_BLOCK, TABLES, Block, insert
from ingestion.log import LogReader, Stretch
from ingestion.records import COLUMNS, Kind, Record
from warehouse.clickhouse import rows as queried
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ASKED_AT_ONCE: Final = 2_000
# a row is loaded after its receipt, unless a clock was set back in between
_CLOCK_ERROR: Final = timedelta(days=1)
_TELLING: Final[dict[Kind, tuple[str, ...]]] = {
    "accepted": ("event_id", "received_at", "content_hash"),
    "refused": ("refusal_id", "received_at"),
}

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: rows it read, and how many of them were missing."""

    rows: int = 0
    missing: int = 0


def replay(
    log: LogReader,
    client: "Client",
    *,
    first: int,
    last: int,
    now: Callable[[], datetime],
) -> Replayed:
    """Put in what is missing between two positions; run again, it changes nothing.

    Raises BadInput where no record begins or ends there, Unavailable.
    """
    read = lacking = 0
    for stretch in _stretches(log, first, last):
        for record in _by_table(stretch):
            left = missing(client, record)
            read += record.count
            lacking += left.count
            if left.count:
                insert(client, _block(log, stretch, left, now()), [left])
    return Replayed(read, lacking)


def _stretches(log: LogReader, first: int, last: int) -> Iterator[Stretch]:
    if not log.begin() <= first <= last <= log.end():
        raise BadInput(
            f"The log is kept from {log.begin()} to {log.end()};"
            f" {first} to {last} lies not within. See `questlog log inspect`."
        )
    while first < last:
        stretch = log.read(first, limit=RECORDS_A_BLOCK)
        if stretch.last > last:
            stretch = log.reread(first, last)
        if not stretch.records:
            raise BadInput(
                f"No record can be read at {first}. `questlog log inspect` tells where"
                " segments begin, and whether they are whole."
            )
        yield stretch
        first = stretch.last


def _by_table(stretch: Stretch) -> Iterator[Record]:
    for kind in _TELLING:
        found = [record for record in stretch.records if record.kind == kind]
        if found:
            yield Record(
                kind,
                b"".join(record.rows for record in found),
                sum(record.count for record in found),
            )


def missing(client: "Client", record: Record) -> Record:
    """The rows of a record that its table does not have."""
    places = [COLUMNS[record.kind].index(name) for name in _TELLING[record.kind]]
    lines = record.rows.splitlines(keepends=True)
    keyed: list[tuple[Key, bytes]] = []
    for line in lines:
        values = orjson.loads(line)
        keyed.append((tuple(values[place] for place in places), line))
    left: list[bytes] = []
    for start in range(0, len(keyed), _ASKED_AT_ONCE):
        some = keyed[start : start + _ASKED_AT_ONCE]
        there = _there(client, record.kind, [key for key, _ in some])
        left += [line for key, line in some if key not in there]
    return Record(record.kind, b"".join(left), len(left))


def _there(client: "Client", kind: Kind, keys: Sequence[Key]) -> set[Key]:
    """Which of some rows the table has."""
    names = _TELLING[kind]
    ids = ", ".join(f"'{key[0]}'" for key in keys)
    earliest = datetime.fromisoformat(min(key[1] for key in keys)) - _CLOCK_ERROR
    query = (
        f"select toString({names[0]}) as {names[0]}_text,"
        f" toString(received_at) as received_at_text, {', '.join(names[2:]) or '0'}"
        f" from {TABLES[kind]} where {names[0]} in ({ids})"
        " and loaded_at >= {earliest:String}"
    )
    found = queried(client, query, {"earliest": earliest.isoformat(" ", "seconds")})
    return {tuple(row.values())[: len(names)] for row in found}


def _block(log: LogReader, stretch: Stretch, left: Record, now: datetime) -> Block:
    content = blake2b(left.rows, digest_size=8).hexdigest()
    return Block(
        first=stretch.first,
        last=stretch.last,
        loaded_at=moments.stored(now),
        token=f"replay-{log.identity}-{stretch.first}-{stretch.last}-{content}",
    )
