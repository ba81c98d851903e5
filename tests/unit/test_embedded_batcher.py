"""Small inserts are gathered, and none of them harms another."""

import json
import threading
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from warehouse.embedded.batcher import Batcher
from warehouse.embedded.gathered import PlainTables, joined, may_join, whole_rows
from warehouse.embedded.lexer import Statement, read
from warehouse.embedded.protocol import Fault, Summary, fault, request

TEXTS = some.text(max_size=5)
LEAVES = some.none() | some.integers() | TEXTS
VALUES = LEAVES | some.lists(LEAVES, max_size=2)
ROWS = some.dictionaries(TEXTS, VALUES, max_size=3)


class Table:
    """Stands for the engine: takes bodies whose every row is a number below ten."""

    def __init__(self) -> None:
        self.writes: list[list[bytes]] = []
        self.free = threading.Event()
        self.free.set()
        self.code = 469

    def write(self, bodies: Sequence[bytes]) -> Summary:
        self.writes.append(list(bodies))
        self.free.wait(60)
        if any(int(body) >= 10 for body in bodies):
            raise fault(self.code, "SAID_NO", f"in {len(bodies)} bodies")
        return Summary(written_rows=len(bodies), written_bytes=8 * len(bodies))


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def outcomes(table: Table) -> Callable[[list[bytes]], dict[bytes, object]]:
    """Sends bodies at once, the first of them being written while the others come."""

    def send(bodies: list[bytes]) -> dict[bytes, object]:
        batcher = Batcher()
        found: dict[bytes, object] = {}

        def one(body: bytes) -> None:
            try:
                found[body] = batcher.insert("key", body, 1, table.write).written_rows
            except Fault as error:
                found[body] = error.code

        table.free.clear()
        threads = [threading.Thread(target=one, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
            while not table.writes:
                time.sleep(0.001)
        while len(batcher._crowds["key"].waiting) < len(bodies) - 1:
            time.sleep(0.001)
        table.free.set()
        for thread in threads:
            thread.join(10)
        return found

    return send


def test_what_comes_while_a_block_is_written_is_one_block(
    table: Table, outcomes: Callable[[list[bytes]], dict[bytes, object]]
) -> None:
    found = outcomes([b"1", b"2", b"3", b"4"])

    assert found == {b"1": 1, b"2": 1, b"3": 1, b"4": 1}
    assert [len(bodies) for bodies in table.writes] == [1, 3]


def test_a_crowd_is_waited_for_until_it_does_not_come(table: Table) -> None:
    batcher = Batcher()
    arrived = threading.Barrier(4)

    def one() -> None:
        arrived.wait()
        batcher.insert("key", b"1", 1, table.write)

    for size in (4, 1, 1):
        threads = [threading.Thread(target=one) for _ in range(size)]
        arrived = threading.Barrier(size)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert sum(map(len, table.writes)) == 6
    # who comes alone once more has nobody to wait for
    assert batcher._crowds["key"].expected == 1


def test_what_is_known_of_crowds_is_bounded(table: Table) -> None:
    batcher = Batcher()
    for key in range(2500):
        batcher.insert(key, b"1", 1, table.write)

    assert len(table.writes) == 2500
    assert len(batcher._crowds) <= 1000


def test_a_bad_insert_gets_its_own_error_and_its_neighbours_are_stored(
    table: Table, outcomes: Callable[[list[bytes]], dict[bytes, object]]
) -> None:
    found = outcomes([b"1", b"2", b"30", b"4"])

    assert found == {b"1": 1, b"2": 1, b"30": 469, b"4": 1}
    assert sorted(len(bodies) for bodies in table.writes) == [1, 1, 1, 1, 3]


def test_what_may_be_stored_in_part_is_not_written_again(
    table: Table, outcomes: Callable[[list[bytes]], dict[bytes, object]]
) -> None:
    table.code = 243

    found = outcomes([b"1", b"2", b"30"])

    assert found == {b"1": 1, b"2": 243, b"30": 243}
    assert len(table.writes) == 2


@settings(max_examples=30, deadline=None)
@given(some.lists(ROWS, min_size=1, max_size=3), some.data())
def test_a_torn_body_is_never_taken_for_a_whole_one(
    rows: list[object], data: some.DataObject
) -> None:
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    body = b"\n".join(lines)
    ends = {len(b"\n".join(lines[:count])): count for count in range(len(lines) + 1)}
    cut = data.draw(some.integers(0, len(body)))
    # a line break at the end changes nothing
    whole = ends.get(cut, ends.get(cut - 1, 0))

    assert whole_rows("JSONEachRow", body[:cut]) == whole


@settings(max_examples=30, deadline=None)
@given(some.lists(some.lists(ROWS, min_size=1, max_size=2), min_size=1, max_size=3))
def test_bodies_put_together_have_the_rows_of_each(bodies: list[list[object]]) -> None:
    written = ["".join(json.dumps(row) for row in rows).encode() for rows in bodies]

    count = whole_rows("JSONEachRow", joined(written))

    assert count == sum(len(rows) for rows in bodies)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a": NaN}', b'{"a": 1},', b'{"a": "\xff"}', b'{"a": "\n"}']
)
def test_a_body_of_doubtful_rows_is_left_alone(body: bytes) -> None:
    assert whole_rows("JSONEachRow", body) == 0


@pytest.mark.parametrize(
    ("parameters", "joins"),
    [
        (b"", True),
        (b"async_insert=1&wait_for_async_insert=0", True),
        (b"async_insert=0", False),
        (b"insert_deduplication_token=x", False),
        (b"input_format_allow_errors_num=1", False),
        (b"session_id=x", False),
        (b"param_a=1", False),
    ],
)
def test_only_inserts_that_lose_nothing_by_it_are_gathered(
    parameters: bytes, *, joins: bool
) -> None:
    statement = read(b"insert into t format JSONEachRow\n{}")

    assert may_join(request("POST", parameters, {}), statement) is joins


@pytest.mark.parametrize(
    ("insert", "asked"),
    [
        (b"insert into t format JSONEachRow ", "'here' and name = 't'"),
        (b"insert into table `a b`.t (x) format NDJSON ", "'a b' and name = 't'"),
        (b"insert into function null('x Int8') format NDJSON ", None),
    ],
)
def test_tables_are_asked_for_by_their_own_names(
    insert: bytes, asked: str | None
) -> None:
    queries: list[str] = []
    tables = PlainTables(lambda query: queries.append(query) or b"1")  # type: ignore[func-returns-value]

    assert tables.is_plain(Statement("INSERT", insert.split(b"format")[0]), "here") is (
        asked is not None
    )
    assert [query.partition("database = ")[2] for query in queries] == (
        [asked] if asked else []
    )
