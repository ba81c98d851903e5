"""What an insert acknowledges is stored; what it cannot store is told."""

import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.wire import Wire
from warehouse.settings import Settings


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    made = Wire(endpoint.endpoint_port)
    yield made
    made.close()


@pytest.fixture
def small(wire: Wire) -> Iterator[str]:
    """A table that takes numbers below ten only."""
    wire.post(
        "create table small (n UInt64, constraint below_ten check n < 10)"
        " engine = MergeTree order by n"
    )
    yield "small"
    wire.post("drop table small sync")


@pytest.fixture
def count(wire: Wire) -> Callable[[str], int]:
    """Counts the rows of a table."""
    return lambda table: int(wire.post(f"select count() from {table}").body)


def test_rows_that_break_a_constraint_are_told_and_not_stored(
    wire: Wire, small: str, count: Callable[[str], int]
) -> None:
    answer = wire.post(b"1\n77\n", query=f"insert into {small} format TSV")

    assert answer.headers["x-clickhouse-exception-code"] == "469"
    assert b"violated at row 2" in answer.body
    assert count(small) == 0


def test_rows_that_a_view_cannot_take_are_told(wire: Wire, small: str) -> None:
    wire.post(
        "create materialized view seen engine = Memory"
        f" as select throwIf(n = 3) as no from {small}"
    )

    answer = wire.post(b'{"n": 3}', query=f"insert into {small} format JSONEachRow")
    wire.post("drop view seen sync")

    assert answer.headers["x-clickhouse-exception-code"] == "395"


def test_errors_of_an_insert_tell_nothing_of_the_way_its_data_took(
    wire: Wire, small: str
) -> None:
    answer = wire.post(b"one\n", query=f"insert into {small} format TSV")

    assert answer.status == 400
    assert b"/dev/fd" not in answer.body
    assert b"from file" not in answer.body


def test_a_body_that_breaks_off_leaves_nothing(
    wire: Wire, small: str, count: Callable[[str], int]
) -> None:
    whole = gzip.compress(b"1\n" * 200_000)

    answer = wire.post(
        whole[:-20],
        headers={"Content-Encoding": "gzip"},
        query=f"insert into {small} format TSV",
    )

    assert answer.headers["x-clickhouse-exception-code"] == "271"
    assert count(small) == 0


ROW = (
    "select number as n, 'a \"quoted\" \\\\ word' as word, [1.5, 2] as list,"
    " toLowCardinality('low') as low, null::Nullable(String) as nothing,"
    " map('k', [(1, 'x')]) as deep from numbers({rows})"
)


@pytest.fixture
def rich(wire: Wire) -> Iterator[str]:
    """A table with a column of each kind of type that a format treats alike."""
    wire.post(
        f"create table rich engine = MergeTree order by n as {ROW.format(rows=0)}"
    )
    yield "rich"
    wire.post("drop table rich sync")


@pytest.mark.parametrize("form", ["Native", "JSONEachRow"])
def test_wherever_a_body_breaks_off_nothing_of_it_is_stored(
    wire: Wire, rich: str, count: Callable[[str], int], form: str
) -> None:
    beginning = wire.post(f"{ROW.format(rows=20_000)} format {form}").body
    last = wire.post(f"{ROW.format(rows=1)} format {form}").body
    assert len(beginning) > 1 << 20

    codes = set()
    for end in range(len(last)):
        packer = zlib.compressobj(1, zlib.DEFLATED, 31)
        body = packer.compress(beginning + last[:end])
        answer = wire.post(
            body + packer.flush(zlib.Z_SYNC_FLUSH),
            headers={"Content-Encoding": "gzip"},
            query=f"insert into {rich} format {form}",
        )
        codes.add(answer.headers["x-clickhouse-exception-code"])

    assert codes == {"271"}
    assert count(rich) == 0


@pytest.mark.parametrize("form", ["Native", "JSONEachRow", "CSV", "Parquet"])
def test_a_client_that_leaves_in_the_middle_leaves_nothing(
    endpoint: Settings, wire: Wire, rich: str, count: Callable[[str], int], form: str
) -> None:
    body = wire.post(f"{ROW.format(rows=60_000)} format {form}").body
    insert = f"insert into {rich} format {form}\n".encode()

    with socket.create_connection(("127.0.0.1", endpoint.endpoint_port)) as client:
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
        client.sendall(head.encode() + b"\r\n\r\n" + insert)
        client.sendall(body[: len(body) * 2 // 3])
    again = wire.post(insert + body)

    assert again.summary["written_rows"] == "60000"
    assert count(rich) == 60_000


def test_an_insert_that_is_refused_is_told_though_its_body_goes_on(
    wire: Wire, small: str
) -> None:
    body = b"1\n" * 4_000_000

    stranger = {"X-ClickHouse-User": "nobody", "X-ClickHouse-Key": "guess"}
    refused = wire.post(body, stranger, query=f"insert into {small} format TSV")
    unknown = wire.post(body, query="insert into no_such_table format TSV")

    assert refused.status == 403
    assert unknown.status == 404


def test_what_the_engine_stops_reading_ends_the_insert_at_once(
    wire: Wire, small: str
) -> None:
    answer = wire.post(
        b"one\n" + b"1\n" * 3_000_000, query=f"insert into {small} format TSV"
    )

    assert answer.status == 400


def test_settings_of_the_statement_stay_in_force(
    wire: Wire, small: str, count: Callable[[str], int]
) -> None:
    insert = f"insert into {small} (n) settings input_format_allow_errors_num = 1"

    answer = wire.post(b"1\nx\n2\n", query=f"{insert} format TSV")

    assert answer.summary["written_rows"] == "2"
    assert count(small) == 2


def test_many_small_inserts_at_once_end_each_as_if_alone(
    endpoint: Settings, small: str, count: Callable[[str], int]
) -> None:
    bodies = [
        b'{"n": 1}',
        b'{"n": 1',
        b'{"n": 2} {"n": 3}',
        b'{"n": 77}',
        b'{"n": "x"}',
    ]

    def send(number: int) -> tuple[int, str]:
        own = Wire(endpoint.endpoint_port)
        answer = own.post(
            bodies[number % 5], query=f"insert into {small} format JSONEachRow"
        )
        own.close()
        return answer.status, answer.headers.get("x-clickhouse-exception-code", "")

    with ThreadPoolExecutor(15) as pool:
        outcomes = list(pool.map(send, range(30)))

    alone = [send(number) for number in range(5)]
    assert outcomes == alone * 6
    assert [status for status, _ in alone] == [200, 500, 200, 500, 400]
    assert count(small) == 7 * 3


def test_a_gathered_insert_is_told_its_own_rows(wire: Wire, small: str) -> None:
    answer = wire.post(
        b'{"n": 1}\n{"n": 2}\n', query=f"insert into {small} format JSONEachRow"
    )

    assert answer.summary["written_rows"] == "2"
