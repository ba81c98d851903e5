"""Several workers of one ingest service: watched, told as one, drained as one."""

import http.client
import os
import re
import signal
import threading
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from ingestion.keys import add
from ingestion.logs import logs
from ingestion.segments import open_for_reading
from tests.integration.test_ingestion_serving import (
    ingest,
    post,
    wait_until_away,
    wait_until_healthy,
)
from warehouse.home import Home
from warehouse.ports import free_port

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TWO = {"QUESTLOG_INGEST_WORKERS": "2"}


def an_event() -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "flew",
        "user_id": "ann",
    }


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in children.split()]


def wait_for_workers(process: int, *, other_than: int = 0) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = workers_of(process)
        if len(found) == 2 and other_than not in found:
            return found
        time.sleep(0.05)
    raise AssertionError("there are not two workers")


def metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        text = response.read().decode()
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


def taken_by(home: Home) -> list[set[str]]:
    """The ids that lie in each log."""
    found = []
    for folder in logs(home.log).values():
        with closing(open_for_reading(folder)) as log:
            records = log.read(0, limit=100_000).records
        found.append({row["event_id"] for one in records for row in one.named()})
    return found


def test_a_killed_worker_comes_back_and_nothing_that_was_answered_is_lost(
    tmp_path: Path,
) -> None:
    port, home = free_port(), Home(tmp_path)
    key = add(home.write_keys, source="web", mode="open", now=NOW)
    answered: set[str] = set()
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            event = an_event()
            try:
                if post(port, key, event)["accepted"]:
                    answered.add(event["event_id"])
            except (OSError, http.client.HTTPException):  # cut short, maybe
                time.sleep(0.02)

    with ingest(tmp_path, port, **TWO) as process:
        wait_until_healthy(port)
        first = wait_for_workers(process.pid)
        senders = [threading.Thread(target=send, daemon=True) for _ in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(0.5)
        os.kill(first[0], signal.SIGKILL)
        wait_for_workers(process.pid, other_than=first[0])
        # each worker's numbers are told once a second
        while not (before := metric(port, "questlog_events_accepted_total")):
            time.sleep(0.1)
        time.sleep(1.5)
        is_over.set()
        for sender in senders:
            sender.join()
        time.sleep(1.2)
        counted = metric(port, "questlog_events_accepted_total")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    in_logs = taken_by(home)
    assert process.returncode == 0
    assert answered <= set.union(*in_logs)
    assert all(in_logs)
    # a killed worker's last second may not be counted; what was told stays told
    assert 0 < before <= counted <= sum(map(len, in_logs))


def test_workers_end_with_whoever_started_them_and_make_room_for_the_next(
    tmp_path: Path,
) -> None:
    port, home = free_port(), Home(tmp_path)
    key = add(home.write_keys, source="web", mode="open", now=NOW)
    with ingest(tmp_path, port, **TWO) as process:
        wait_until_healthy(port)
        wait_for_workers(process.pid)
        post(port, key, an_event())
        process.kill()
        process.wait(60)
        wait_until_away(port)

    with ingest(tmp_path, port, **TWO) as process:
        wait_until_healthy(port)
        wait_for_workers(process.pid)
        post(port, key, an_event())
        counted = metric(port, "questlog_events_accepted_total")

    assert counted == 1
    assert sum(map(len, taken_by(home))) == 2


def test_workers_that_cannot_begin_say_why_once(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "log").write_text("no folder")
    with ingest(tmp_path, port, **TWO) as process:
        _, told = process.communicate(timeout=60)

    assert process.returncode == 1
    assert len([line for line in told.splitlines() if b"questlog:" in line]) == 1


def test_one_limit_holds_for_a_key_whichever_worker_is_asked(tmp_path: Path) -> None:
    port, home = free_port(), Home(tmp_path)
    key = add(home.write_keys, source="web", mode="open", now=NOW)
    limit = {"QUESTLOG_INGEST_EVENTS_PER_SECOND": "1"}
    left: list[int] = []
    with ingest(tmp_path, port, **TWO, **limit) as process:
        wait_until_healthy(port)
        wait_for_workers(process.pid)
        for _ in range(12):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/events",
                data=b'{"events":[' + b",".join([b"{}"] * 50) + b"]}",
                headers={"X-Write-Key": key},
            )
            with urllib.request.urlopen(request) as response:  # noqa: S310 - our own
                left.append(int(response.headers["RateLimit-Remaining"]))

    # each request takes 50 of 1,000, and some seconds give a token each
    assert all(35 <= a - b <= 50 for a, b in pairwise(left)), left
