import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from functools import partial

import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from warehouse.embedded.encodings import compressor, decompressed
from warehouse.embedded.protocol import (
    Fault,
    Request,
    Summary,
    late_fault,
    request,
)

ENCODE = {
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(pa.compress, codec="brotli", asbytes=True),
}


def posted(query_string: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request("POST", query_string.encode(), named)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("encoding", sorted(ENCODE))
@given(data=st.lists(st.binary(min_size=1), min_size=1), size=st.integers(1, 50))
def test_a_body_of_several_frames_is_read_to_its_end(
    encoding: str, data: list[bytes], size: int
) -> None:
    frames = data[:1] if encoding in {"deflate", "br"} else data
    body = b"".join(ENCODE[encoding](frame) for frame in frames)

    plain = b"".join(decompressed(cut(body, size), encoding))

    assert plain == b"".join(frames)


@pytest.mark.parametrize("encoding", sorted(ENCODE))
def test_a_body_that_ends_too_early_or_is_something_else_is_an_error(
    encoding: str,
) -> None:
    whole = ENCODE[encoding](b"some bytes" * 100)

    with pytest.raises(Fault, match="CANNOT_DECOMPRESS"):
        list(decompressed([whole[:-6]], encoding))
    with pytest.raises(Fault, match="CANNOT_DECOMPRESS"):
        list(decompressed([b"these are no frames at all"], encoding))


def test_an_encoding_that_is_not_spoken_is_named() -> None:
    with pytest.raises(Fault, match="snappy: use lz4, zstd, gzip, br or deflate"):
        list(decompressed([b"x"], "snappy"))


@pytest.mark.parametrize("encoding", sorted(ENCODE))
@given(data=st.lists(st.binary()))
def test_what_is_compressed_can_be_read_again(encoding: str, data: list[bytes]) -> None:
    compress = compressor(encoding)
    sent = b"".join(compress.compress(chunk) for chunk in data) + compress.flush()

    assert b"".join(decompressed([sent], encoding)) == b"".join(data)


def test_parameters_that_speak_to_the_interface_are_no_settings() -> None:
    found = posted("database=d&query_id=q&session_id=s&max_threads=2&param_a=1")

    assert dict(found.settings) == {"max_threads": "2"}
    assert dict(found.parameters) == {"a": "1"}
    assert (found.database, found.query_id, found.session_id) == ("d", "q", "s")


def test_a_setting_whose_name_is_no_name_is_an_error() -> None:
    with pytest.raises(Fault, match="UNKNOWN_SETTING"):
        posted("max_threads=1&a%20b=2")


def test_only_post_may_change_something() -> None:
    assert request("GET", b"query=select+1", {}).read_only
    assert not posted().read_only
    assert posted("readonly=1").read_only


def test_credentials_come_from_header_or_parameter() -> None:
    basic = "Basic " + base64.b64encode(b"ann:secret").decode()

    assert posted(authorization=basic).user == "ann"
    assert posted("user=bob&password=p").password == "p"
    assert posted(x_clickhouse_user="eve").user == "eve"
    assert posted().user == "default"
    assert "secret" not in repr(posted(authorization=basic))


def test_results_are_compressed_only_when_asked() -> None:
    assert posted(accept_encoding="lz4, gzip").accept_encoding == ""
    asked = posted("enable_http_compression=1", accept_encoding="br, gzip;q=1")
    assert asked.accept_encoding == "gzip"


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("Failed: Code: 60. DB::Exception: no table. (UNKNOWN_TABLE)", 60, 404),
        ("Code: 62. DB::Exception: no. (SYNTAX_ERROR)", 62, 400),
        ("Code: 497. DB::Exception: no. (ACCESS_DENIED)", 497, 403),
        ("Code: 241. DB::Exception: no. (MEMORY_LIMIT_EXCEEDED)", 241, 500),
        ("something else", 1002, 500),
    ],
)
def test_an_error_has_clickhouses_code_and_status(
    text: str, code: int, status: int
) -> None:
    found = Fault(text)

    assert (found.code, found.status) == (code, status)
    assert str(found).startswith(("Code: ", "something"))


def test_a_late_error_says_how_long_it_is() -> None:
    tail = late_fault(Fault("Code: 1. DB::Exception: x"), "tag")

    text = b"Code: 1. DB::Exception: x\n"
    assert tail == (
        b"\r\n__exception__\r\ntag\r\n"
        + text
        + f"{len(text)} tag\r\n__exception__\r\n".encode()
    )


def test_the_summary_holds_text_as_clickhouses_does() -> None:
    assert json.loads(Summary(read_rows=3).header())["read_rows"] == "3"
