from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.embedded.lexer import read
from warehouse.embedded.tokens import tokens


def texts(sql: bytes) -> list[str]:
    return [token.text for token in tokens(sql)]


@pytest.mark.parametrize(
    "sql",
    [
        b"select/**/1",
        b"select -- '\n1",
        b"select // '\n1",
        b"select # '\n1",
        b"select /* /* */ ' */ 1",
        "select\u00a0\u20031".encode(),
    ],
)
def test_space_and_comments_are_no_tokens(sql: bytes) -> None:
    assert texts(sql) == ["select", "1"]


@pytest.mark.parametrize(
    "literal",
    [
        "'a''b'",
        r"'a\'b'",
        "$$a 'b$$",
        "$x$ $$ $x$",
        '"a b"',
        "`a``b`",
        "\u2018it\u2019",
    ],
)
def test_a_quoted_text_is_one_token(literal: str) -> None:
    assert texts(f"select {literal} , 1".encode()) == ["select", literal, ",", "1"]


def test_an_unclosed_heredoc_hides_nothing() -> None:
    assert "outfile" in texts(b"select 1 as $$ into outfile 'x'")


@pytest.mark.parametrize(
    ("sql", "head", "form", "data"),
    [
        (b"insert into t format CSV 1,2", b"insert into t ", "CSV", b"1,2"),
        (b"insert into t format CSV\n1", b"insert into t ", "CSV", b"1"),
        (b"insert into t format CSV \r\n 1", b"insert into t ", "CSV", b" 1"),
        (
            b"insert into t (format) settings a = 1 format Native\n\x00'\xff",
            b"insert into t (format) settings a = 1 ",
            "Native",
            b"\x00'\xff",
        ),
        (b"insert into format format TSV\n", b"insert into format ", "TSV", b""),
    ],
)
def test_the_data_of_an_insert_begin_where_clickhouse_says(
    sql: bytes, head: bytes, form: str, data: bytes
) -> None:
    statement = read(sql)

    assert (statement.text, statement.format) == (head, form)
    assert sql[statement.data_at :] == data


@pytest.mark.parametrize(
    "sql",
    [
        b"insert into t values (1)",
        b"insert into t (format, values) values (1)",
        b"insert into t format Values (1)",
        b"insert into t select 1",
        b"insert into t with x as (select 1) select * from x",
    ],
)
def test_an_insert_without_data_apart_is_run_as_it_is(sql: bytes) -> None:
    statement = read(sql)

    assert statement.kind == "INSERT"
    assert statement.data_at is None
    assert statement.text == sql


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        (b"select 1 format JSON", "JSON"),
        (b"select 1 format JSON;", "JSON"),
        (b"select 1 format TSV settings max_threads = 1", "TSV"),
        (b"select format from t", ""),
        (b"select 'format TSV'", ""),
    ],
)
def test_the_format_is_the_one_the_statement_names(sql: bytes, form: str) -> None:
    assert read(sql).format == form


def test_two_statements_are_refused_and_a_closing_semicolon_is_not() -> None:
    assert read(b"select 1; drop table t").refused_because
    assert not read(b"select 1;").refused_because
    assert not read(b"select ';'").refused_because


@given(st.binary())
def test_every_byte_is_read_once_and_in_order(sql: bytes) -> None:
    found = list(tokens(sql))

    assert all(a.end <= b.start for a, b in pairwise(found))
    read(sql)
    read(b"insert into t " + sql)
