"""Lines of a case are in the order in which they were captured, unless they say so."""

import json
from pathlib import Path

from questlog.cases.order import in_file_order


def _file(path: Path, *lines: object) -> Path:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_events_without_a_sequence_have_that_of_their_lines(tmp_path: Path) -> None:
    events = _file(tmp_path / "events.jsonl", {"event_id": "b"}, {"event_id": "a"})

    read = in_file_order(events, tmp_path / "copy.jsonl").read_text().splitlines()

    assert [json.loads(line)["sequence"] for line in read] == [0, 1]


def test_a_doubled_line_stays_the_same_event(tmp_path: Path) -> None:
    twice = {"event_id": "a", "sequence": None}
    events = _file(tmp_path / "events.jsonl", twice, {"event_id": "b"}, twice)

    read = in_file_order(events, tmp_path / "copy.jsonl").read_text().splitlines()

    assert read[0] == read[2]


def test_a_file_that_says_its_order_is_left_alone(tmp_path: Path) -> None:
    events = _file(tmp_path / "events.jsonl", {"event_id": "a"}, {"sequence": 4})

    assert in_file_order(events, tmp_path / "copy.jsonl") == events
