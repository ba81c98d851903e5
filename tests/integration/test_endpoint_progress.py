"""What a client hears of its query: while it runs, and when it is done."""

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.integration.wire import Wire
from warehouse.settings import Settings

SLOW = "select sleepEachRow(0.03), throwIf(number = {bad}) from numbers(10)"
ASKED = {
    "send_progress_in_http_headers": 1,
    "http_headers_progress_interval_ms": 60,
    "wait_end_of_query": 1,
    "max_block_size": 1,
}


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


def test_a_client_that_asks_hears_how_far_its_query_is(
    wire: Wire, endpoint: Settings
) -> None:
    other = http.client.HTTPConnection("127.0.0.1", endpoint.endpoint_port)
    names = "&".join(f"{name}={value}" for name, value in ASKED.items())
    other.request("POST", f"/?{names}", SLOW.format(bad=99))
    answer = other.getresponse()
    told = [
        json.loads(value)
        for name, value in answer.getheaders()
        if name.lower() == "x-clickhouse-progress"
    ]

    assert answer.status == 200
    assert answer.read().count(b"\n") == 10
    other.close()
    rows = [int(line["read_rows"]) for line in told]
    assert len(rows) >= 2
    assert rows == sorted(rows)
    assert told[-1]["total_rows_to_read"] == "10"
    assert "x-clickhouse-progress" not in wire.post("select 1", **ASKED).headers


def test_after_progress_an_error_comes_under_200_with_its_code(wire: Wire) -> None:
    told = wire.post(SLOW.format(bad=9), **ASKED)

    assert told.status == 200
    assert told.headers["x-clickhouse-exception-code"] == "395"
    assert told.body.startswith(b"Code: 395")
    # and the connection goes on
    assert wire.post("select 1").body == b"1\n"
    assert wire.post(SLOW.format(bad=0)).status == 500


@pytest.mark.parametrize("form", ["Native", "JSON"])
def test_a_summary_counts_all_that_was_read(wire: Wire, form: str) -> None:
    asked = f"select number from numbers(700000) format {form}"
    told = wire.post(asked, wait_end_of_query=1).summary

    assert told["read_rows"] == "700000"
    assert told["result_rows"] == "700000"
    assert told["total_rows_to_read"] == "700000"
    assert int(told["elapsed_ns"]) > 0
    assert "memory_usage" not in told


def test_an_error_within_the_buffer_is_told_plainly(wire: Wire) -> None:
    late = "select number, throwIf(number = 250000) from numbers(1000000)"
    settings = {"max_block_size": 10000, "max_threads": 1}

    told = wire.post(late, buffer_size=16 << 20, **settings)

    assert told.status == 500
    assert told.body.startswith(b"Code: 395")
    assert wire.post("select 1", buffer_size="much").status == 400


def test_control_signs_do_not_reach_the_headers(wire: Wire) -> None:
    told = wire.post("select 1", query_id="a\r\nX-Evil: 1")

    assert told.status == 200
    assert "x-evil" not in told.headers
