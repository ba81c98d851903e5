"""Other products' published answers, through `questlog case run`."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from questlog.__main__ import app
from questlog.cases.folder import read
from questlog.cases.kinds import KINDS
from questlog.cases.run import Outcome, run
from questlog.cases.scratch import Scratch, scratch
from warehouse.errors import BadInput
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))


def _folders() -> list[Path]:
    asked = sorted(path.parent for path in CASES.glob("*/params.json"))
    return [folder for folder in asked if read(folder).kind in KINDS]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Scratch]:
    """One scratch warehouse for all cases."""
    with scratch() as running:
        yield running


@pytest.mark.skipif(not CASES.exists(), reason=f"cases are not at {CASES}")
@pytest.mark.parametrize("folder", _folders(), ids=lambda folder: folder.name)
def test_a_case_answers_as_published(warehouse: Scratch, folder: Path) -> None:
    [outcome] = run([read(folder)], warehouse, now=lambda: datetime.now(UTC))

    assert outcome.comparison is not None
    assert outcome.comparison.compared
    assert not outcome.comparison.differences


def _case(folder: Path, events: list[dict[str, object]], **written: object) -> Path:
    """A case folder with these events, and JSON files as given."""
    lines = [
        json.dumps({"event_id": str(uuid4()), "event_version": "1.0", **event})
        for event in events
    ]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    for name, content in written.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def _outcome(warehouse: Scratch, folder: Path) -> Outcome:
    [outcome] = run([read(folder)], warehouse, now=lambda: datetime.now(UTC))
    return outcome


def test_devices_aliases_and_odd_clocks_are_people_and_times_all_the_same(
    warehouse: Scratch, tmp_path: Path
) -> None:
    begun = {"event_name": "$any name, it's ours", "properties": {"a b": [1]}}
    ended = {"event_name": "done", "properties": {}, "context": {"os": "x"}}
    day = "2026-01-05T10:00:00.000Z"
    folder = _case(
        tmp_path,
        [
            {**begun, "timestamp": day, "user_id": None, "anonymous_id": "device"},
            {**ended, "timestamp": "2026-01-05T10:00:00.001Z", "user_id": "known"},
            {**begun, "timestamp": "1902-01-01T00:00:00Z", "user_id": "old"},
            {**begun, "timestamp": day, "user_id": "first", "received_at": day},
            {**ended, "timestamp": "2026-01-05T10:00:01Z", "user_id": "second"},
            {**begun, "timestamp": day, "anonymous_id": "alone", "created_at": day},
        ],
        params={
            "kind": "funnel",
            "steps": [{"event": "$any name, it's ours"}, {"event": "done"}],
            "window_seconds": 1,
            "identity": {"device": "known", "second": "middle", "middle": "first"},
        },
    )

    answer = _outcome(warehouse, folder).answer

    assert answer["counts"] == [4, 2]
    assert answer["users_at_step"] == [
        ["alone", "first", "known", "old"],
        ["first", "known"],
    ]


def test_a_case_that_differs_says_where(warehouse: Scratch, tmp_path: Path) -> None:
    event = {"event_name": "a", "timestamp": "2026-01-05T10:00:00Z", "properties": {}}
    folder = _case(
        tmp_path,
        [{**event, "user_id": "one"}],
        params={"kind": "funnel", "steps": [{"event": "a"}]},
        expected={"counts": [2], "published_counts": [9]},
    )

    outcome = _outcome(warehouse, folder)

    assert outcome.comparison is not None
    assert outcome.comparison.differences == ["counts[0]: expected 2, found 1"]


def test_a_line_that_is_no_event_is_told(warehouse: Scratch, tmp_path: Path) -> None:
    folder = _case(tmp_path, [{}], params={"kind": "funnel", "steps": [{"event": "a"}]})

    with pytest.raises(BadInput, match=r"1 of 1 lines of .* are no events"):
        _outcome(warehouse, folder)


def test_the_command_prints_the_answers_alone_and_ends_with_the_worst_verdict(
    tmp_path: Path,
) -> None:
    event = {"event_name": "a", "timestamp": "2026-01-05T10:00:00Z", "properties": {}}
    asked = {"kind": "funnel", "steps": ["a"], "stepps": []}
    folders = []
    for name, people in (("right", 1), ("wrong", 2)):
        (tmp_path / name).mkdir()
        folder = _case(
            tmp_path / name,
            [{**event, "user_id": "one"}],
            params=asked,
            expected={"counts": [people]},
        )
        folders.append(str(folder))

    ended = CliRunner().invoke(app, ["case", "run", *folders, "--json"])

    answers = json.loads(ended.stdout)
    assert [answers[folder]["counts"] for folder in folders] == [[1], [1]]
    assert ended.exit_code == 1
    assert "right: agrees" in ended.stderr
    assert "right: no parameters, ignored: stepps" in ended.stderr
    assert "counts[0]: expected 2, found 1" in ended.stderr
