"""The embedded endpoint against chDB in its own process, on the same data.

`added_latency_p50_ms`: a point lookup over HTTP less the same one in process. The
insert ratios: rows a second over HTTP by rows a second in process, one sender, 100,000
rows of 20 columns at a time, both sides in turn. `tiny_inserts_per_second`: one row an
insert, 16 clients, each waiting for its acknowledgement; afterwards the engine is
killed, and `tiny_lost` and `tiny_doubled` tell what is not there once. They come first:
ext4 makes a new file slowly where thousands were removed in the last minutes, as the
other phases do (a part is ten files).
`export_extra_bytes_max`: the most resident memory that an export of the whole table
needs on top of what the server held before it.
The endpoint's inserts wait for the disk; `fsync_one_row_p50_ms` and
`fsync_batch_p50_ms` are what that adds to one row and to 100,000.
`ROWS=` sets the rows (10 million), `SECONDS=` the time of the tiny inserts (10).
"""

import http.client
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bench._engine import Engine
from bench._in_process import InProcess
from bench._memory import Watch, tree_bytes
from bench._tiny import acknowledged
from warehouse.clickhouse import connect

_ROWS: Final = 10_000_000
_BATCH: Final = 100_000
_BATCHES: Final = 10
_LOOKUPS: Final = 300
_CLIENTS: Final = 16
_SECONDS: Final = 10
_CHUNK_BYTES: Final = 1 << 20
_INSERTED: Final = {"Native": "native", "JSONEachRow": "jsoneachrow"}
_EXPORTED: Final = ("Native", "JSONEachRow", "CSV", "Parquet")
_BARS: Final = {
    "added_latency_p50_ms_most": 2,
    "native_insert_ratio_least": 0.85,
    "jsoneachrow_insert_ratio_least": 0.85,
    "tiny_inserts_per_second_least": 1000,
    "tiny_lost_most": 0,
    "tiny_doubled_most": 0,
    "export_extra_bytes_max_most": 100 << 20,
}

_TABLE: Final = """
create table wide
(
    id UInt64,
    at DateTime64(3, 'UTC'),
    day Date,
    user_id UInt32,
    session_id UInt64,
    event LowCardinality(String),
    country LowCardinality(String),
    device LowCardinality(String),
    is_bot Bool,
    page String,
    referrer String,
    campaign Nullable(String),
    amount Decimal(12, 2),
    price Float64,
    score Float32,
    clicks UInt16,
    seconds Int32,
    visitor UUID,
    tags Array(String),
    note String
)
engine = MergeTree order by (user_id, at)
"""
_TINY: Final = """
create table tiny (client UInt16, number UInt32)
engine = MergeTree order by (client, number)
"""
_MADE: Final = """
select
    number as id,
    toDateTime64('2026-01-01', 3, 'UTC') + cityHash64(number) % 31536000 as at,
    toDate(at) as day,
    toUInt32(cityHash64(number, 1) % 200000) as user_id,
    cityHash64(number, 2) as session_id,
    toLowCardinality(concat('event_', toString(cityHash64(number, 3) % 40))) as event,
    toLowCardinality(concat('c', toString(cityHash64(number, 4) % 90))) as country,
    toLowCardinality(['phone', 'desktop', 'tablet'][number % 3 + 1]) as device,
    number % 50 = 0 as is_bot,
    concat('/page/', toString(cityHash64(number, 5) % 5000)) as page,
    concat('https://example.com/', lower(hex(cityHash64(number, 6)))) as referrer,
    if(number % 4 = 0, null, concat('campaign ', toString(number % 100))) as campaign,
    toDecimal64(number % 100000, 2) / 7 as amount,
    (cityHash64(number, 7) % 1000000) / 997 as price,
    toFloat32(number % 1000) / 1000 as score,
    toUInt16(number % 60) as clicks,
    toInt32(cityHash64(number, 8) % 7200) as seconds,
    reinterpretAsUUID(sipHash128(number)) as visitor,
    arrayMap(tag -> concat('tag', toString(tag)), range(number % 4)) as tags,
    concat('note of row ', toString(number)) as note
from numbers({start}, {count})
"""
_LOOKUP: Final = "select id, at, page, amount from wide where user_id = {user}"


class Wire:
    """One client of the endpoint, that does no more than HTTP asks for."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def send(self, query: str, body: bytes = b"") -> float:
        """Seconds until the answer to a statement is there, whole."""
        began = time.perf_counter()
        for _ in self.answered(query, body):
            pass
        return time.perf_counter() - began

    def answered(self, query: str, body: bytes = b"") -> Iterator[int]:
        """The bytes of an answer, piece by piece. Raises RuntimeError at an error."""
        self._connection.request("POST", "/?" + urlencode({"query": query}), body)
        answer = self._connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(answer.read().decode())
        while chunk := answer.read(_CHUNK_BYTES):
            yield len(chunk)


def run() -> dict[str, Any]:
    """Measure an endpoint of its own and a chDB beside it."""
    rows = int(os.environ.get("ROWS", _ROWS))
    seconds = float(os.environ.get("SECONDS", _SECONDS))
    figures: dict[str, float] = {"rows": rows}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Engine(folder / "home") as engine:
            figures |= _tiny(engine, seconds)
            wire = Wire(engine.settings.endpoint_port)
            with InProcess(folder / "beside") as beside:
                figures |= _inserts(wire, beside, folder, rows)
                figures |= _latency(wire, beside)
            figures |= _waits_for_disk(wire)
            figures |= _exports(wire, engine.pid)
    return {"figures": figures, "compared_with": _BARS}


def _inserts(
    wire: Wire, beside: InProcess, folder: Path, rows: int
) -> dict[str, float]:
    """Rows a second of both sides, and their ratio; the last rows stay there."""
    figures = {}
    for form, word in _INSERTED.items():
        files = []
        for number in range(_BATCHES):
            files.append(folder / f"{number}.{word}")
            made = _MADE.format(start=number * _BATCH, count=_BATCH)
            beside.write(made, form, files[-1])
        for side in (wire.send, beside.query):
            side("drop table if exists wide sync")
            side(_TABLE)
        over_http, in_process = 0.0, 0.0
        batches = max(1, rows // _BATCH)
        for number in range(batches):
            file = files[number % _BATCHES]
            content = file.read_bytes()
            insert = f"insert into wide format {form}"
            # the side that goes first finds other merges running
            if number % 2:
                in_process += beside.insert("wide", form, file)
            over_http += wire.send(insert, content)
            if not number % 2:
                in_process += beside.insert("wide", form, file)
        figures[f"{word}_insert_rows_per_second"] = batches * _BATCH / over_http
        figures[f"{word}_in_process_rows_per_second"] = batches * _BATCH / in_process
        figures[f"{word}_insert_ratio"] = in_process / over_http
        for file in files:
            file.unlink()
    return figures


def _latency(wire: Wire, beside: InProcess) -> dict[str, float]:
    """Point lookups of both sides, in turn."""
    over_http, in_process = [], []
    for number in range(_LOOKUPS):
        query = _LOOKUP.format(user=number * 619)
        over_http.append(wire.send(f"{query} format Native"))
        in_process.append(beside.query(query))
    added = statistics.median(over_http) - statistics.median(in_process)
    return {
        "lookup_p50_ms": statistics.median(over_http) * 1e3,
        "lookup_in_process_p50_ms": statistics.median(in_process) * 1e3,
        "added_latency_p50_ms": added * 1e3,
    }


def _waits_for_disk(wire: Wire) -> dict[str, float]:
    """What waiting for the disk adds: inserts that do and that do not, in turn."""
    row = _MADE.format(start=0, count=1)
    batch = _MADE.format(start=0, count=_BATCH)
    hastily = "settings fsync_after_insert = 0, fsync_part_directory = 0"
    for table, settings in (("waiting", ""), ("hasty", hastily)):
        wire.send(_TABLE.replace("wide", table).rstrip() + f" {settings}")
    figures = {}
    for word, query, times in (("one_row", row, 50), ("batch", batch, 10)):
        took: dict[str, list[float]] = {"waiting": [], "hasty": []}
        for _ in range(times):
            for table, seconds in took.items():
                seconds.append(wire.send(f"insert into {table} {query}"))
        waiting, hasty = map(statistics.median, took.values())
        figures[f"fsync_{word}_p50_ms"] = (waiting - hasty) * 1e3
        figures[f"hasty_{word}_p50_ms"] = hasty * 1e3
    return figures


def _exports(wire: Wire, process: int) -> dict[str, float]:
    """Bytes that exports of the whole table need of the server's memory."""
    figures: dict[str, float] = {}
    for form in _EXPORTED:
        before = tree_bytes(process)
        with Watch(process) as watch:
            began = time.perf_counter()
            size = sum(wire.answered(f"select * from wide format {form}"))
            took = time.perf_counter() - began
        word = form.lower()
        figures[f"export_{word}_bytes"] = size
        figures[f"export_{word}_s"] = took
        figures[f"export_{word}_extra_bytes"] = watch.peak_bytes - before
    extra = [figures[f"export_{form.lower()}_extra_bytes"] for form in _EXPORTED]
    return figures | {"export_extra_bytes_max": max(extra)}


def _tiny(engine: Engine, seconds: float) -> dict[str, float]:
    """Inserts of one row, and whether a kill leaves what was acknowledged."""
    Wire(engine.settings.endpoint_port).send(_TINY)
    took = acknowledged(
        engine.settings.endpoint_port, "tiny", clients=_CLIENTS, seconds=seconds
    )
    engine.kill()
    engine.start()
    with connect(engine.settings) as client:
        found = "select count(), uniqExact(client, number) from tiny"
        there, different = client.query(found).result_rows[0]
    return {
        "tiny_inserts": len(took),
        "tiny_inserts_per_second": len(took) / seconds,
        "tiny_insert_p50_ms": statistics.median(took) * 1e3,
        "tiny_insert_p99_ms": statistics.quantiles(took, n=100)[-1] * 1e3,
        "tiny_lost": len(took) - different,
        "tiny_doubled": there - different,
    }
