"""Rows of the log on their way to the engine: spliced, cut into pieces, sent anew."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.blocks import _Pieces
from ingestion.rows import row_bytes, with_load
from warehouse.line_insert import insert_arrays

LOADED = "2026-03-01 10:00:00.000"
VALUES = st.lists(
    st.lists(st.text() | st.integers(0, 2**63) | st.none(), min_size=1, max_size=4),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(VALUES)
def test_each_row_gets_the_moment_of_its_load_in_front_and_keeps_the_rest(
    values: list[list[Any]],
) -> None:
    rows = b"".join(map(row_bytes, values))

    loaded = with_load(rows, LOADED)

    assert [json.loads(line) for line in loaded.splitlines()] == [
        [LOADED, *row] for row in values
    ]
    assert loaded.endswith(b"\n")


@settings(deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=4), st.integers(1, 40_000))
def test_pieces_put_together_are_the_rows_whatever_they_are_cut_at(
    records: list[list[list[Any]]], length: int
) -> None:
    ready = [
        b"".join(row_bytes([*row, "x" * length]) for row in values)
        for values in records
    ]

    pieces = _Pieces([*ready, b""], LOADED)

    assert b"".join(pieces) == with_load(b"".join(ready), LOADED)
    assert b"".join(pieces) == b"".join(pieces)


def test_an_insert_refuses_what_can_be_sent_only_once() -> None:
    client: Any = None

    with pytest.raises(TypeError, match="second time"):
        insert_arrays(client, table="t", columns=["a"], lines=iter([b""]), settings={})
