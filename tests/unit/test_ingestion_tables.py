"""Tables of events are judged as the same events in JSON are."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from ingestion.files import JsonLines, Line
from ingestion.judging import Accepted, Arrival, Rules, Source, judge
from ingestion.mapping_start import proposed
from ingestion.moments import moment
from ingestion.records import Record, accepted_row
from ingestion.tables import event_file
from warehouse.errors import BadInput
from warehouse.taxonomy import load

RULES = Rules.of(load())
ARRIVAL = Arrival(moment(datetime(2026, 3, 1, tzinfo=UTC)), imported=True)
ORDERS = """\
timezone: Europe/Berlin
absent: ["NULL"]
event_id:
  derived_from: [order]
event_name:
  column: kind
  rename: {purchase: payment_completed}
timestamp: {column: at, format: "%d.%m.%Y %H:%M"}
user_id: customer
properties:
  payment_id: order
  amount_cents: {column: cents, type: integer}
  currency: {constant: EUR}
"""
HEADER = b"order,kind,at,customer,cents,note\r\n"


def judged(lines: list[Line]) -> list[object]:
    """The row each event becomes, or the reasons it is refused for."""
    found: list[object] = []
    for line in lines:
        verdict = judge(line.text, rules=RULES, source=Source("t"), arrival=ARRIVAL)
        if isinstance(verdict, Accepted):
            found += Record("accepted", accepted_row(verdict)).named()
        else:
            found.append([one.reason for one in verdict.objections])
    return found


def lines_of(path: Path, mapping: Path | None = None) -> list[Line]:
    return list(event_file(path, mapping).lines())


def events_in(folder: Path, table: bytes, mapping: str = ORDERS) -> list[Line]:
    path, rules = folder / "orders.csv", folder / "map.yml"
    path.write_bytes(table)
    rules.write_text(mapping)
    return lines_of(path, rules)


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
)
events = st.fixed_dictionaries(
    {
        "event_id": st.uuids().map(str),
        "timestamp": st.datetimes(
            min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants it bare
            max_value=datetime(2026, 2, 1),  # noqa: DTZ001
        ).map(lambda at: at.isoformat("T", "milliseconds") + "Z"),
        "event_name": st.sampled_from(["rolled", "page_viewed", "flew"]),
        "user_id": texts,
        "properties": st.fixed_dictionaries(
            {"dice": texts, "result": st.integers(-(2**70), 2**70)},
            optional={"path": texts, "bonus": st.floats(allow_nan=False).map(str)},
        ),
    },
    optional={"session_id": texts, "sequence": st.integers(0, 2**63 - 1)},
)


@settings(max_examples=25, deadline=None)
@given(st.lists(events, min_size=1, max_size=8))
def test_events_as_a_table_are_judged_as_from_json(
    tmp_path_factory: pytest.TempPathFactory, stream: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    names = sorted({key for event in stream for key in event})
    told = [event | {"properties": json.dumps(event["properties"])} for event in stream]
    written = io.StringIO(newline="")
    table = csv.DictWriter(written, names)
    table.writeheader()
    table.writerows(told)
    (folder / "e.csv.gz").write_bytes(gzip.compress(written.getvalue().encode()))
    columns = {name: [event.get(name) for event in told] for name in names}
    parquet.write_table(pa.table(columns), folder / "e.parquet")
    (folder / "e.jsonl").write_text("\n".join(map(json.dumps, stream)))

    expected = judged(list(JsonLines(folder / "e.jsonl").lines()))

    assert judged(lines_of(folder / "e.csv.gz")) == expected
    assert judged(lines_of(folder / "e.parquet")) == expected


def test_a_foreign_table_becomes_our_events(tmp_path: Path) -> None:
    row = b'1,purchase,01.07.2025 10:00,17,1200,"a ""b""\r\n,c"\r\n'

    (line,) = events_in(tmp_path, b"\xef\xbb\xbf" + HEADER + row)

    event = json.loads(line.text)
    event_id = event.pop("event_id")
    assert event == {
        "event_name": "payment_completed",
        "timestamp": "2025-07-01T08:00:00.000Z",
        "user_id": "17",
        "properties": {"payment_id": "1", "amount_cents": 1200, "currency": "EUR"},
    }
    other = b"1,purchase,02.07.2025 11:00,17,1300,\r\n"
    (again,) = events_in(tmp_path, HEADER + other)
    assert json.loads(again.text)["event_id"] == event_id


def test_without_keys_the_same_content_has_the_same_id_in_any_file(
    tmp_path: Path,
) -> None:
    mapping = ORDERS.replace("derived_from: [order]", "derived_from: row")
    rows = b"1,purchase,01.07.2025 10:00,17,5,x\n1,purchase,01.07.2025 10:00,17,6,x\n"

    first, second = events_in(tmp_path, HEADER + rows, mapping)
    (alone,) = events_in(tmp_path, HEADER + rows.splitlines()[1], mapping)

    assert first.text != second.text
    assert alone.text == second.text


def test_a_row_that_cannot_be_read_costs_its_neighbours_nothing(
    tmp_path: Path,
) -> None:
    good = b"%d,purchase,01.07.2025 10:00,17,NULL,x\r\n"
    table = HEADER + good % 1
    table += b"2,short\r\n" + b'3,purchase,x,17,5,"never closed\r\n' + b"\r\n"
    table += good % 5 + b"\xff,purchase,x,17,5,x\r\n" + good.replace(b"x", b'"x"') % 7

    lines = events_in(tmp_path, table)

    assert [(line.number, bool(line.fault)) for line in lines] == [
        (1, False),
        (2, True),
        (3, True),
        (5, False),
        (6, True),
        (7, False),
    ]
    assert lines[1].text == b"2,short\r\n"
    assert b"amount_cents" not in lines[0].text


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "12.0", 12),
        ("integer", "12.5", "12.5"),
        ("integer", "9" * 30, int("9" * 30)),
        ("number", "0.1", 0.1),
        ("number", "7", 7),
        ("number", "0.12345678901234567890123", "0.12345678901234567890123"),
        ("number", "1,5", "1,5"),
        ("boolean", "Yes", True),
        ("boolean", "perhaps", "perhaps"),
        ("json", "[1, 2]", [1, 2]),
        ("json", "[1, ", "[1, "),
        ("string", "007", "007"),
    ],
)
def test_a_cell_that_does_not_fit_its_type_stays_text(
    tmp_path: Path, kind: str, cell: str, value: object
) -> None:
    mapping = ORDERS.replace("type: integer", f"type: {kind}")
    quoted = '"' + cell + '"'

    (line,) = events_in(
        tmp_path,
        HEADER + f"1,purchase,01.07.2025 10:00,17,{quoted},\n".encode(),
        mapping,
    )

    assert json.loads(line.text)["properties"]["amount_cents"] == value


def test_parquet_types_are_taken_as_they_are(tmp_path: Path) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=5)
    table = pa.table(
        {
            "at": pa.array([at, None], pa.timestamp("ns", "UTC")),
            "who": pa.array([17.0, float("nan")]),
            "price": pa.array([Decimal("12.30"), None]),
            "items": pa.array([[{"id": 1}], None]),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    mapping = tmp_path / "map.yml"
    mapping.write_text(
        "event_name: {constant: bought}\ntimestamp: at\nuser_id: who\nproperties:\n"
        "  price: {column: price, type: number}\n  items: {column: items, type: json}\n"
    )

    first, second = lines_of(tmp_path / "t.parquet", mapping)

    event = json.loads(first.text)
    assert (event["timestamp"], event["user_id"]) == ("2026-01-01T00:00:00.005Z", "17")
    assert event["properties"] == {"price": 12.3, "items": [{"id": 1}]}
    assert set(json.loads(second.text)) == {"event_id", "event_name"}


def test_all_faults_of_a_mapping_are_told_at_once_with_their_lines(
    tmp_path: Path,
) -> None:
    mapping = (
        "timezone: Mars/Olympus\nwho: x\ntimestamp: {column: when, format: soon}\n"
        "properties:\n  a: {column: cents, type: money}\n  b: {type: string}\n"
    )

    with pytest.raises(BadInput) as raised:
        events_in(tmp_path, HEADER, mapping)

    told = str(raised.value)
    for says in (
        "map.yml:1: timezone: no time zone",
        "map.yml:2: who: no such key",
        "map.yml:3: timestamp.column: the file has no column 'when'",
        "map.yml:3: timestamp.format: expected rfc3339",
        "map.yml:5: properties.a.type: no type",
        "map.yml:6: properties.b: expected one of column: and constant:",
        "missing: give event_name",
        "nobody is named",
    ):
        assert says in told


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.csv", None, "not there"),
        ("empty.csv", b"", "is empty"),
        ("bare.csv", b"event_name,timestamp,user_id\n", "no rows"),
        ("strange.csv", b"a,b\n1,2\n", "--show-mapping"),
        ("wide.csv", "a,b\n".encode("utf-16"), "UTF-8"),
        ("photo.parquet", b"\x89PNG", "no Parquet"),
        (
            "torn.csv.gz",
            gzip.compress(b"event_name,timestamp\n", mtime=0)[:-9],
            "breaks off",
        ),
    ],
)
def test_a_table_that_holds_nothing_is_refused_with_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadInput, match=says):
        event_file(path, None).survey()


def test_a_proposed_mapping_knows_usual_names_and_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"Event;Time;Customer ID;Country\nflew;2026-01-01;7;DE\n")
    mapping = tmp_path / "map.yml"

    mapping.write_text(proposed(path))

    (line,) = lines_of(path, mapping)
    event = json.loads(line.text)
    assert event.pop("event_id")
    assert event == {
        "event_name": "flew",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "user_id": "7",
        "properties": {"country": "DE"},
    }
