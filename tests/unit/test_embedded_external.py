"""Tables that come with a query are cut out of a body exactly."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.embedded.external import _CHUNK_BYTES, fields, form, tables
from warehouse.embedded.protocol import Fault

HEADERS = {"content-type": "multipart/form-data; boundary=edge"}


def part(name: str, content: bytes, file: str | None = None) -> bytes:
    filed = f'; filename="{file}"' if file is not None else ""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{filed}\r\n\r\n'
    return head.encode() + content + b"\r\n"


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=60), st.sampled_from([b"\r\n--edg", b"--edge", b"\r\n"])
        ),
        max_size=4,
    )
)
def test_contents_come_out_as_they_went_in(contents: list[bytes]) -> None:
    # the mark at a line's beginning ends a part by definition
    contents = [content for content in contents if b"\r\n--edge" not in content]
    contents = [content for content in contents if not content.startswith(b"--edge")]
    sent = b"".join(part(f"t{n}", c, "f") for n, c in enumerate(contents))
    body = io.BytesIO(sent + part("query", b"select 1") + b"--edge--\r\n")

    parts = form(body, HEADERS)
    about = {f"t{n}_types": "Int32" for n in range(len(contents))}

    assert fields(body, parts) == {"query": "select 1"}
    found = [b"".join(table.content) for table in tables(body, parts, about)]
    assert found == contents


def test_a_mark_across_two_chunks_is_seen() -> None:
    for short in range(80, 130):
        content = b"x" * (_CHUNK_BYTES - short)
        body = io.BytesIO(part("t", content, "f") + part("a", b"b") + b"--edge--\r\n")

        parts = form(body, HEADERS)

        assert [one.name for one in parts] == ["t", "a"]
        assert parts[0].end - parts[0].start == len(content)


def test_columns_are_named_or_counted() -> None:
    body = io.BytesIO(part("t", b"1", "f") + part("u", b"1", "f") + b"--edge--\r\n")
    about = {"t_types": "Decimal(9, 2),String", "u_structure": "a Int8"}

    first, second = tables(body, form(body, HEADERS), about)

    assert (first.columns, first.format) == (
        "`_1` Decimal(9, 2), `_2` String",
        "TabSeparated",
    )
    assert second.columns == "a Int8"


@pytest.mark.parametrize("body", [b"", b"nothing", b"--edge\r\n\r\nx\r\n--edge--\r\n"])
def test_a_body_that_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(Fault, match="multipart"):
        form(io.BytesIO(body), HEADERS)


def test_a_table_without_columns_is_refused() -> None:
    body = io.BytesIO(part("t", b"1", "f") + b"--edge--\r\n")

    with pytest.raises(Fault, match="neither t_structure nor t_types"):
        tables(body, form(body, HEADERS), {})
