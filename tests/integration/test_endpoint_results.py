"""Results of every format: whole, in bounded memory, stopped when asked."""

import io
import json
import threading
import time
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from tests.integration.wire import Response, Wire
from warehouse.settings import Settings


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


@pytest.mark.parametrize("form", ["JSON", "Parquet", "Arrow", "Markdown"])
@pytest.mark.parametrize("rows", [3, 400_000])
def test_formats_with_a_head_and_a_tail_come_whole(
    wire: Wire, form: str, rows: int
) -> None:
    query = f"select number as n from numbers({rows}) limit {rows}"

    inside = wire.post(f"{query} format {form} settings max_threads = 1")
    asked = wire.post(f"{query}; -- the end", default_format=form, max_threads=1)

    assert inside.headers["x-clickhouse-format"] == form
    assert inside.status == asked.status == 200
    if form == "Parquet":
        assert pq.read_table(io.BytesIO(asked.body)).num_rows == rows
    elif form == "JSON":
        assert len(json.loads(inside.body)["data"]) == rows
        assert json.loads(asked.body)["rows"] == rows
    else:
        assert inside.body == asked.body
        assert inside.body.count(b"\n") >= rows or form == "Arrow"
    if rows == 3:
        assert inside.summary["result_rows"] == "3"
        assert inside.summary["read_rows"] == "3"
        assert inside.summary["result_bytes"] == str(len(inside.body))


def test_parquet_comes_in_small_row_groups_unless_told_otherwise(wire: Wire) -> None:
    query = "select number from numbers(200000) format Parquet"

    small = pq.ParquetFile(io.BytesIO(wire.post(query).body))
    told = wire.post(query, output_format_parquet_row_group_size=1_000_000)

    # the engine holds a row group in memory, plain and packed
    assert small.metadata.row_group(0).num_rows <= 1 << 17
    assert pq.ParquetFile(io.BytesIO(told.body)).num_row_groups == 1


@pytest.mark.parametrize("form", ["JSON", "Parquet"])
def test_such_formats_tell_their_errors_too(wire: Wire, form: str) -> None:
    late = "select throwIf(number = 9000) from numbers(10000)"

    assert wire.post(f"select nothing format {form}").status == 404
    told = wire.post(f"{late} format {form}", wait_end_of_query=1)
    assert told.headers["x-clickhouse-exception-code"] == "395"


def test_a_query_is_killed_by_the_id_its_client_gave(
    wire: Wire, endpoint: Settings
) -> None:
    told: list[Response] = []

    def ask() -> None:
        other = Wire(endpoint.endpoint_port)
        asked = "select sleepEachRow(0.1) from numbers(1000) settings max_block_size=1"
        told.append(other.post(asked, query_id="to be 'killed'", wait_end_of_query=1))
        other.close()

    asking = threading.Thread(target=ask)
    asking.start()
    deadline = time.monotonic() + 60
    killed = b""
    while not killed and time.monotonic() < deadline:
        killed = wire.post("kill query where query_id = 'to be \\'killed\\'' sync").body
    asking.join(30)

    assert killed
    assert told[0].headers["x-clickhouse-exception-code"] == "394"
