"""Files of events: each line once in the warehouse, however often it is imported."""

import gzip
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest

from ingestion.import_plan import PlanFile
from ingestion.imports import ImportSummary, import_file
from ingestion.judging import Source
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, MigrationFailed
from warehouse.settings import REPOSITORY, Settings

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-02-01T09:59:00.000Z",
        "received_at": "2026-02-01T09:59:02.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": {"dice": "1d20", "result": 7},
    } | changed


def a_file(path: Path, lines: list[Any]) -> Path:
    text = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n"
        for line in lines
    )
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def imported(path: Path, settings: Settings, source: str) -> ImportSummary:
    return import_file(path, settings, now=lambda: NOW, source=Source(source))


def stored(settings: Settings, source: str, table: str = "events") -> list[Any]:
    query = f"select * from raw.{table} where source = {{source:String}}"
    with connect(settings) as client:
        return rows(client, query, {"source": source})


def test_a_file_is_judged_line_by_line_and_summed_up(
    endpoint: Settings, tmp_path: Path
) -> None:
    good = an_event()
    lines = [
        good,
        b"",
        b"no json",
        an_event(event_name="flew"),
        b'{"event_id": "\\ud800"}',
        an_event(timestamp="2026-02-04T00:00:00Z"),
    ]
    path = a_file(tmp_path / "events.jsonl.gz", lines)

    summary = imported(path, endpoint, "summed")

    assert summary.lines == 5
    assert summary.accepted == 1
    assert summary.refused == {"future": 1, "not_json": 2, "unplanned_event": 1}
    (event,) = stored(endpoint, "summed")
    assert event["event_id"] == UUID(good["event_id"])
    assert event["imported"] is True
    assert str(event["known_at"]).startswith("2026-02-01 09:59:02")
    refusals = stored(endpoint, "summed", "refused_events")
    unread = [one for one in refusals if one["reason"] == "not_json"]
    assert {one["objections"][0].partition(":")[0] for one in unread} == {
        "line 3",
        "line 5",
    }
    with connect(endpoint) as client:
        noted = rows(client, "select * from ops.imports where source = 'summed'")
    assert [(one["lines"], one["accepted"], one["refused"]) for one in noted] == [
        (5, 1, 4)
    ]


def test_importing_the_same_file_again_changes_nothing(
    endpoint: Settings, tmp_path: Path
) -> None:
    path = a_file(tmp_path / "twice.jsonl", [an_event(), an_event(), b"{"])

    first = imported(path, endpoint, "twice")
    second = imported(path, endpoint, "twice")

    assert not first.already_imported
    assert second.already_imported
    assert (second.lines, second.accepted, second.refused) == (3, 2, {"not_json": 1})
    assert len(stored(endpoint, "twice")) == 2
    assert len(stored(endpoint, "twice", "refused_events")) == 1


def test_decisions_in_a_file_count_by_their_time_not_their_line(
    endpoint: Settings, tmp_path: Path
) -> None:
    def decided(granted: str, at: str) -> dict[str, Any]:
        properties = {
            "purpose": "analytics",
            "granted": granted == "yes",
            "policy_version": "1",
        }
        return an_event(
            event_name="consent_decided",
            user_id="cleo",
            timestamp=f"2026-02-{at}T00:00:00Z",
            received_at=f"2026-02-{at}T00:00:01Z",
            properties=properties,
        )

    days = ["01", "05", "09", "11"]
    events = [
        an_event(
            user_id="cleo",
            timestamp=f"2026-02-{day}T12:00:00Z",
            received_at=f"2026-02-{day}T12:00:01Z",
        )
        for day in days
    ]
    lines = [*events, decided("yes", "10"), decided("no", "04")]
    path = a_file(tmp_path / "consent.jsonl", lines)

    summary = imported(path, endpoint, "consent")

    assert summary.refused == {"consent": 2}
    kept = {str(one["occurred_at"])[8:10] for one in stored(endpoint, "consent")}
    assert kept == {"01", "04", "10", "11"}


_IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import ingestion.imports as imports
from ingestion.judging import Source
from warehouse.settings import Settings
imports.LINES_A_BLOCK = 40
settings = Settings(home=Path(sys.argv[2]), endpoint_port=int(sys.argv[3]))
print("ready", flush=True)
summary = imports.import_file(
    Path(sys.argv[1]), settings, now=lambda: datetime.now(UTC), source=Source("cut")
)
print(summary.accepted, flush=True)
"""


def test_an_import_killed_in_the_middle_is_finished_by_the_same_command(
    endpoint: Settings, tmp_path: Path
) -> None:
    events = [an_event() for _ in range(4000)]
    path = a_file(tmp_path / "cut.jsonl", [*events, b"broken"])
    command = [
        *(sys.executable, "-c", _IMPORT),
        *(str(path), str(endpoint.home), str(endpoint.endpoint_port)),
    ]

    for seconds in (1.5, 0.7):
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            _wait_until(lambda: len(stored(endpoint, "cut")) > 0)
            time.sleep(seconds / 10)
            process.kill()
    partly = len(stored(endpoint, "cut"))
    last = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True)

    assert 0 < partly <= 4000
    assert last.stdout.split() == [b"ready", b"4000"]
    found = [str(one["event_id"]) for one in stored(endpoint, "cut")]
    assert sorted(found) == sorted(event["event_id"] for event in events)
    assert len(stored(endpoint, "cut", "refused_events")) == 1


def test_files_cut_in_one_millisecond_are_not_taken_for_each_other(
    endpoint: Settings, tmp_path: Path
) -> None:
    one, other = (
        a_file(tmp_path / f"{name}.jsonl", [an_event(), b"no json"])
        for name in ("one", "other")
    )
    imported(one, endpoint, "moment")
    # the other was killed after its block was cut, before it was sent
    fingerprint = hashlib.sha256(other.read_bytes()).hexdigest()
    identity = uuid5(NAMESPACE_URL, f"{fingerprint}/moment/planned")
    plan = PlanFile.open(
        endpoint.home / "imports" / f"{identity}.json",
        started_at="2026-03-01 10:00:00.000",
    )
    plan.cut(0, at="2026-03-01 10:00:00.000")
    plan.close()

    imported(other, endpoint, "moment")

    assert len(stored(endpoint, "moment")) == 2
    assert len(stored(endpoint, "moment", "refused_events")) == 2


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.jsonl", None, "not there"),
        ("empty.jsonl", b"", "is empty"),
        ("blank.jsonl", b"\n \n", "is empty"),
        ("empty.jsonl.gz", b"", "is empty"),
        ("plain.jsonl.gz", b"{}\n", "no gzip file"),
        ("torn.jsonl.gz", gzip.compress(b"{}\n" * 999, mtime=0)[:-9], "breaks off"),
        ("photo.jsonl", b"\x89PNG\n\x00\x01\n", "No line"),
    ],
)
def test_a_file_that_holds_nothing_is_refused_with_what_to_do(
    endpoint: Settings, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadInput, match=says):
        imported(path, endpoint, "nothing")


def test_before_the_tables_are_there_the_command_to_make_them_is_named(
    new_settings: Callable[[], Settings], run_endpoint: Any, tmp_path: Path
) -> None:
    settings = new_settings()
    path = a_file(tmp_path / "early.jsonl", [an_event()])

    with run_endpoint(settings), pytest.raises(MigrationFailed, match="migrate"):
        imported(path, settings, "early")
