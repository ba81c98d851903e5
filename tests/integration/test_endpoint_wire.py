"""The embedded endpoint on the wire: what goes in, what comes out, what is refused."""

import gzip
import http.client
import io
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.integration.wire import Wire
from warehouse.embedded import encodings, framing
from warehouse.settings import Settings


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


@pytest.fixture
def pairs(wire: Wire) -> Iterator[str]:
    wire.post("create or replace table pairs (a Int64, b String) engine = Memory")
    yield "pairs"
    wire.post("drop table pairs")


def contents(wire: Wire) -> bytes:
    return wire.post("select a, b from pairs order by a, b format CSV").body


def test_the_small_paths_answer(wire: Wire) -> None:
    assert wire.get(path="/ping").body == b"Ok.\n"
    assert wire.get(path="/replicas_status").body == b"Ok.\n"
    assert wire.get().body == b"Ok.\n"
    assert wire.get(path="/nowhere").status == 404


def test_a_query_comes_in_the_address_or_the_body_or_both(wire: Wire) -> None:
    assert wire.get(query="select 1").body == b"1\n"
    assert wire.post("select 2").body == b"2\n"
    assert wire.post("format CSV", query="select 'a'").body == b'"a"\n'
    assert wire.post("select {a:String}", param_a="ü€").body == "ü€\n".encode()
    assert wire.get(query="select 'ü€'").body == "ü€\n".encode()
    assert wire.post("select 'ü€'").body == "ü€\n".encode()
    assert wire.post(b"select length('\xff\xfe')").body == b"2\n"


def test_headers_tell_what_was_done(wire: Wire) -> None:
    told = wire.post("select number from numbers(5)", query_id="mine")

    assert told.headers["x-clickhouse-format"] == "TabSeparated"
    assert told.headers["x-clickhouse-timezone"] == "UTC"
    assert told.headers["x-clickhouse-query-id"] == "mine"
    assert told.summary["read_rows"] == told.summary["result_rows"] == "5"


def test_a_statement_without_a_result_names_no_format(wire: Wire) -> None:
    told = wire.post("create database if not exists wire_made")

    assert told.status == 200
    assert told.body == b""
    assert "x-clickhouse-format" not in told.headers


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("CSV", b'1,"x"\n2,"y"\n'),
        ("TSV", b"1\tx\n2\ty\n"),
        ("JSONEachRow", b'{"a":1,"b":"x"}\n{"b":"y","a":2}\n'),
        ("RowBinary", bytes([1, *[0] * 7, 1]) + b"x" + bytes([2, *[0] * 7, 1]) + b"y"),
        ("Values", b"(1,'x'),(2,'y')"),
    ],
)
def test_inserts_take_data_in_every_common_format(
    wire: Wire, pairs: str, form: str, data: bytes
) -> None:
    statement = f"insert into {pairs} (a, b) format {form}"

    done = wire.post(statement.encode() + b"\n" + data)
    again = wire.post(data, query=statement)

    assert (done.status, again.status) == (200, 200)
    assert done.summary["written_rows"] == "2"
    assert contents(wire) == b'1,"x"\n1,"x"\n2,"y"\n2,"y"\n'


def test_native_and_parquet_go_in(wire: Wire, pairs: str) -> None:
    native = wire.post("select toInt64(1) as a, 'x' as b format Native").body
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([2], pa.int64()), "b": ["y"]}), sink)

    assert wire.post(native, query=f"insert into {pairs} format Native").status == 200
    parquet = wire.post(sink.getvalue(), query=f"insert into {pairs} format Parquet")

    assert parquet.status == 200
    assert contents(wire) == b'1,"x"\n2,"y"\n'


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("lz4", lz4.frame.compress),
        ("zstd", zstandard.compress),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", partial(pa.compress, codec="brotli", asbytes=True)),
    ],
)
def test_bodies_are_compressed_both_ways(
    wire: Wire, pairs: str, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    lines = b"".join(b"%d,x\n" % number for number in range(5000))
    # several frames in one body are one body
    body = (
        encode(lines)
        if encoding in {"deflate", "br"}
        else encode(lines[:9]) + encode(lines[9:])
    )

    done = wire.post(
        body,
        {"Content-Encoding": encoding},
        query=f"insert into {pairs} format CSV",
    )
    told = wire.post(
        f"select count(), sum(a) from {pairs}",
        {"Accept-Encoding": encoding},
        enable_http_compression=1,
    )

    assert done.summary["written_rows"] == "5000"
    assert told.headers["content-encoding"] == encoding
    decode = {
        "lz4": lz4.frame.decompress,
        "zstd": lambda data: (
            zstandard.ZstdDecompressor().decompressobj().decompress(data)
        ),
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "br": lambda data: pa.input_stream(pa.py_buffer(data), "brotli").read(),
    }[encoding]
    assert decode(told.body) == b"5000\t12497500\n"


@pytest.mark.usefixtures("pairs")
@pytest.mark.parametrize(
    ("statement", "status", "code", "name"),
    [
        ("selec 1", 400, "62", "SYNTAX_ERROR"),
        ("select * from nowhere", 404, "60", "UNKNOWN_TABLE"),
        ("select nothing", 404, "47", "UNKNOWN_IDENTIFIER"),
        ("insert into pairs format CSV\nx,y\n", 400, "27", "CANNOT_PARSE"),
        ("select throwIf(1)", 500, "395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("select 1; select 2", 400, "62", "Multi-statements"),
        ("", 400, "62", "Empty query"),
    ],
)
def test_errors_have_clickhouses_status_code_and_text(
    wire: Wire, statement: str, status: int, code: str, name: str
) -> None:
    told = wire.post(statement)

    assert told.status == status
    assert told.headers["x-clickhouse-exception-code"] == code
    assert told.body.startswith(f"Code: {code}. DB::Exception: ".encode())
    assert name in told.body.decode()
    assert contents(wire) == b""


def test_unknown_databases_settings_and_users_are_named(wire: Wire) -> None:
    assert b"UNKNOWN_DATABASE" in wire.post("select 1", database="no-where").body
    assert b"UNKNOWN_DATABASE" in wire.post("select 1", database="o'd d`").body
    assert b"UNKNOWN_SETTING" in wire.post("select 1", no_such_setting=1).body
    assert wire.post("select 1", user="eve").status == 403
    assert wire.post("select 1", password="guessed").status == 403


def test_an_error_after_the_first_bytes_is_told_at_the_end(wire: Wire) -> None:
    with pytest.raises(http.client.IncompleteRead) as broken:
        wire.post(
            "select number, throwIf(number = 900000) from numbers(1000000)"
            " settings max_block_size = 10000, max_threads = 1"
        )

    assert b"__exception__" in broken.value.partial
    assert b"Code: 395" in broken.value.partial


def test_a_client_that_waits_for_the_end_gets_a_clean_error(wire: Wire) -> None:
    told = wire.post(
        "select number, throwIf(number = 900000) from numbers(1000000)"
        " settings max_block_size = 10000",
        wait_end_of_query=1,
    )

    assert told.status == 500
    assert told.body.startswith(b"Code: 395")


@pytest.mark.parametrize("form", ["TSV", "CSV", "JSONEachRow", "RowBinary", "Native"])
def test_streamed_results_are_what_one_piece_would_be(wire: Wire, form: str) -> None:
    told = wire.post(f"select number from numbers(600000) format {form}")
    rows = wire.post("select count() from numbers(600000)").body

    assert rows == b"600000\n"
    if form == "RowBinary":
        assert len(told.body) == 600_000 * 8
    elif form != "Native":
        assert told.body.count(b"\n") == 600_000


def test_settings_of_a_request_hold_for_it_alone(wire: Wire) -> None:
    asked = "select getSetting('max_threads')"

    assert wire.post(asked, max_threads=3).body == b"3\n"
    assert wire.post(asked, session_id="w", max_threads=3).body == b"3\n"
    assert wire.post("set max_threads = 5", session_id="w").status == 200
    assert wire.post(asked, session_id="w", max_threads=3).body == b"3\n"
    assert wire.post(asked, session_id="w").body == b"5\n"
    assert wire.post("select currentDatabase()", database="ops").body == b"ops\n"
    use = wire.post("select currentDatabase()", session_id="w", database="ops")
    assert use.body == b"ops\n"
    assert wire.post("select currentDatabase()", session_id="w").body == b"default\n"
    assert wire.post("use ops", session_id="w").status == 200
    assert wire.post("select currentDatabase()", session_id="w").body == b"ops\n"


def test_a_session_that_must_exist_is_not_made(wire: Wire) -> None:
    told = wire.post("select 1", session_id="never", session_check=1)

    assert told.headers["x-clickhouse-exception-code"] == "372"


@pytest.mark.parametrize("session", [{}, {"session_id": "reader"}])
def test_get_only_reads(wire: Wire, session: dict[str, str]) -> None:
    told = wire.get(query="create table got (a Int32) engine = Memory", **session)

    assert told.headers["x-clickhouse-exception-code"] == "164"
    assert wire.get(query="select 1", **session).body == b"1\n"
    assert wire.post("exists table got").body == b"0\n"


def test_web_pages_are_turned_away(wire: Wire) -> None:
    assert wire.post("select 1", {"Origin": "http://evil.example"}).status == 403
    assert wire.post("select 1", {"Host": "evil.example"}).status == 403


def test_clickhouses_own_frames_go_both_ways(wire: Wire, pairs: str) -> None:
    compress = encodings.framed("")
    rows = b"".join(b"%d,x\n" % number for number in range(300_000))
    body = compress.compress(rows) + compress.flush()

    insert = f"insert into {pairs} format CSV"
    done = wire.post(body, query=insert, decompress=1)
    spoilt = wire.post(body[:-1] + b"\0", query=insert, decompress=1)
    told = wire.post(f"select a from {pairs} order by a format CSV", compress=1)

    assert done.summary["written_rows"] == "300000"
    assert spoilt.status == 500
    assert spoilt.headers["x-clickhouse-exception-code"] == "40"
    assert len(told.body) < len(rows)
    assert b"".join(framing.unframed([told.body])) == rows.replace(b",x", b"")


def test_an_error_amid_frames_is_told_in_a_frame(wire: Wire) -> None:
    statement = "select throwIf(number = 3000000) from numbers(4000000)"
    settings = {"max_block_size": 1000, "max_threads": 1}

    with pytest.raises(http.client.IncompleteRead) as cut_off:
        wire.post(statement, compress=1, **settings)

    plain = b"".join(framing.unframed([cut_off.value.partial]))
    assert b"__exception__" in plain[-2000:]


def test_what_is_not_spoken_is_said_to_be_so(wire: Wire) -> None:
    assert wire.post("x", {"Content-Encoding": "snappy"}).status == 415


def test_a_retried_insert_counts_once(wire: Wire) -> None:
    wire.post(
        "create or replace table once (a Int32) engine = MergeTree order by a"
        " settings non_replicated_deduplication_window = 100"
    )
    for token, value in (("one", b"1"), ("one", b"1"), ("two", b"1")):
        done = wire.post(
            value,
            query="insert into once format CSV",
            insert_deduplication_token=token,
            insert_deduplicate=1,
        )
        assert done.status == 200

    assert wire.post("select count() from once").body == b"2\n"


def test_tables_are_published_in_one_step(wire: Wire) -> None:
    for statement in (
        "create or replace table made (d Date, a Int32)"  # noqa: ISC004 - one statement
        " engine = MergeTree partition by d order by a",
        "insert into made values ('2026-01-01', 1), ('2026-01-02', 2)",
        "create or replace table shown clone as made",
        "create or replace table shown clone as made",
        "create or replace table other as made",
        "exchange tables other and shown",
        "alter table shown replace partition '2026-01-02' from made",
    ):
        assert wire.post(statement).status == 200, statement

    assert wire.post("select * from shown").body == b"2026-01-02\t2\n"
    assert wire.post("select count() from other").body == b"2\n"


def test_the_default_database_is_like_any_other(wire: Wire) -> None:
    view = "create or replace view default.seen as select 1 as a"
    fresh = "create materialized view kept refresh every 1 year engine = Memory"

    assert wire.post(view).status == 200
    assert wire.post("select a from seen", database="default").body == b"1\n"
    assert wire.post(f"{fresh} as select a from seen", database="").status == 200
    assert wire.post("select * from default.`/etc/hostname`").status == 404
    assert wire.post("select * from _overlay.`/etc/hostname`").status == 403
    assert wire.post("drop table default.kept").status == 200


NOISE = st.sampled_from(
    [
        " ",
        "\n",
        "/**/",
        "/* ' */",
        "-- '\n",
        '// "\n',
        "# `\n",
        "/* /* ' */ */",
        "\u00a0",
    ]
)


@given(first=NOISE, second=NOISE, third=NOISE)
@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_spelling_writes_or_reads_a_file(
    wire: Wire, endpoint: Settings, first: str, second: str, third: str
) -> None:
    stolen = endpoint.home / "stolen"
    secret = Path("/etc/passwd").read_bytes()[:12]

    wire.post(
        f"select 'a'{first}, \"x\".1{third}from (select tuple(1) x)"
        f"{third}into{second}outfile '{stolen}'"
    )
    wire.post(f"select 1{first}into{second}outfile{third}'{stolen}'")
    told = wire.post(f"select{first}file{second}({third}'/etc/passwd')")

    assert not stolen.exists()
    assert secret not in told.body
