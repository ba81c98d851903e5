"""What the ingest service counts and tells: enough to run it, nothing about people."""

import json
import logging
import sys
from pathlib import Path

import pytest

from ingestion.journal import JsonLines
from ingestion.metrics import Metrics
from ingestion.recent import Recent
from tests.unit.door import a_door, an_event


def told(logger: str, message: str, *values: object) -> dict[str, object]:
    record = logging.LogRecord(
        logger, logging.WARNING, "x.py", 1, message, values, exc_info=sys.exc_info()
    )
    line = JsonLines().format(record)
    assert "\n" not in line
    found: dict[str, object] = json.loads(line)
    return found


def test_a_line_tells_the_message_and_the_places_of_an_error_but_not_its_text() -> None:
    try:
        int("ann@example.com")
    except ValueError:
        ours = told("ingestion.app", "The log in %s is full.", "/home/log")
        others = told("asyncio", "Task failed: %s\nann@example.com", "ann@example.com")

    assert ours["message"] == "The log in /home/log is full."
    assert ours["level"] == "warning"
    assert ours["error"] == "ValueError"
    assert "test_ingestion_journal.py" in str(ours["places"])
    assert others["message"] == "Task failed: %s"
    assert "ann@" not in json.dumps([ours, others])


def test_nothing_of_an_event_is_told_when_the_door_itself_is_at_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_door(tmp_path) as door:
        broken = door.but(now=lambda: 1 / 0)
        answer = broken.post(an_event(user_id="ann@example.com"))

        metrics = door.client.get("/metrics").text

    assert answer.status_code == 500
    assert 'questlog_requests_total{status="500"} 1.0' in metrics
    lines = [JsonLines().format(record) for record in caplog.records]
    assert "ann@" not in "".join(lines)


def test_a_copy_of_an_event_lately_taken_is_counted() -> None:
    recent = Recent(generation=3)

    assert recent.again(["a", "b", "a"]) == 1
    assert recent.again(["b", "c"]) == 1
    assert recent.again(["d", "e", "f"]) == 0
    assert recent.again(["a", "d"]) == 1


def test_lag_is_the_age_of_the_oldest_that_is_not_loaded() -> None:
    clock, end, loaded = [0.0], [0], [0]
    metrics = Metrics(
        log_position=lambda: end[0],
        loaded_position=lambda: loaded[0],
        seconds=lambda: clock[0],
    )

    def lag() -> float:
        lines = metrics.exposed().decode().splitlines()
        (line,) = (one for one in lines if one.startswith("questlog_loader_lag_sec"))
        return float(line.split()[1])

    seen = [lag()]
    for clock[0], end[0] in ((10.0, 100), (10.5, 150), (20.0, 300)):
        metrics.count([], source="web")
    clock[0] = 30.0
    seen.append(lag())
    loaded[0] = 100
    seen.append(lag())
    loaded[0] = 300
    seen.append(lag())

    assert seen == [0.0, 20.0, 10.0, 0.0]


def test_metrics_tell_repeats_room_and_refusals(tmp_path: Path) -> None:
    with a_door(tmp_path) as door:
        door.post([an_event(1), an_event(1), an_event(2, event_name="flew")])
        door.post(b"{")
        text = door.client.get("/metrics").text

    assert 'questlog_events_repeated_total{source="web"} 1.0' in text
    assert 'questlog_requests_total{status="400"} 1.0' in text
    assert 'questlog_requests_total{status="200"} 1.0' in text
