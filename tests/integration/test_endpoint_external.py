"""Tables that come with a query: there for it, gone after it, and no way out."""

import contextlib
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from warehouse.settings import Settings


def asked(settings: Settings, table: bytes, **parameters: str) -> str:
    disposition = 'Content-Disposition: form-data; name="t"; filename="t"'
    body = f"--edge\r\n{disposition}\r\n\r\n".encode() + table + b"\r\n--edge--\r\n"
    with contextlib.closing(HTTPConnection(*settings.clickhouse_address)) as wire:
        wire.request(
            "POST",
            "/?" + urlencode(parameters),
            body,
            {"Content-Type": "multipart/form-data; boundary=edge"},
        )
        return wire.getresponse().read().decode()


@pytest.mark.parametrize("more", [{}, {"session_id": "ext"}, {"readonly": "2"}])
def test_a_table_is_there_for_its_query_alone(
    endpoint: Settings, more: dict[str, str]
) -> None:
    sent = {"query": "select sum(a), max(b) from t", "t_structure": "a Int32, b String"}
    again = {"query": "select 1 from t", **more}

    found = asked(endpoint, b"1,x\n2,y\n", t_format="CSV", **sent, **more)
    other = {"u_types": "Int8"}

    assert found == "3\ty\n"
    # the part named t comes again, with other columns
    assert asked(endpoint, b"7", t_types="Int8", **again) == "1\n"
    assert "UNKNOWN_SETTING" in asked(endpoint, b"", t_types="Int8", **again, **other)


def test_a_bad_row_is_told_and_leaves_the_session_usable(endpoint: Settings) -> None:
    sent = {"query": "select a from t", "t_types": "Int32", "session_id": "bad"}

    assert "Code: 27" in asked(endpoint, b"x\n", **sent)
    assert asked(endpoint, b"5\n", **(sent | {"query": "select * from t"})) == "5\n"


def test_the_columns_are_no_way_out(endpoint: Settings, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top\n")
    for structure in (
        f"a String) engine = File(CSV, '{secret}'",
        f"a String) as select * from file('{secret}', 'CSV', 'a String'",
        f"a String default file('{secret}')",
    ):
        told = asked(endpoint, b"1", query="select * from t", t_structure=structure)

        assert "Code: 497" in told, told
