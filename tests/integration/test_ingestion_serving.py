"""The ingest service as a process: started, used with curl's means, ended."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from ingestion.keys import add
from ingestion.segments import open_for_reading
from warehouse.home import Home
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@contextmanager
def ingest(
    home: Path, port: int, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    environ = os.environ | {
        "QUESTLOG_HOME": str(home),
        "QUESTLOG_INGEST_PORT": str(port),
        "QUESTLOG_INGEST_CANARY_SECONDS": "0",
        **environment,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "questlog", "serve", "ingest"],
        cwd=REPOSITORY,
        env=environ,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield process
        except AssertionError as error:
            process.kill()
            error.add_note("\n".join(text.decode() for text in process.communicate()))
            raise
        finally:
            process.kill()


def wait_until_healthy(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the ingest service did not start")


def wait_until_away(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("the ingest service still listens")


def post(port: int, key: str, event: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/events",
        data=json.dumps(event).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - our own address
        answer: dict[str, Any] = json.load(response)
        return answer


def test_the_service_keeps_what_it_acknowledged_and_ends_on_sigterm(
    tmp_path: Path,
) -> None:
    port, home = free_port(), Home(tmp_path)
    key = add(home.write_keys, source="web", mode="planned", now=NOW)
    event = {
        "event_id": "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "user_logged_in",
        "user_id": "ann",
        "properties": {},
    }

    body = json.dumps(event | {"event_id": uuid4().hex}).encode()
    with ingest(tmp_path, port) as process:
        wait_until_healthy(port)
        answer = post(port, key, event)
        under_way = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        under_way.putrequest("POST", "/v1/events")
        under_way.putheader("X-Write-Key", key)
        under_way.putheader("Content-Length", str(len(body)))
        under_way.endheaders(body[:20])
        # the door has begun to read it once it answers somebody who came later
        wait_until_healthy(port)
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        wait_until_away(port)
        under_way.send(body[20:])
        last = json.load(under_way.getresponse())
        _, told = process.communicate(timeout=60)
        took = time.monotonic() - started

    assert (answer["accepted"], last["accepted"]) == (1, 1)
    assert process.returncode == 0
    # requests under way have eight seconds: it waits for them, and no longer
    assert took < 8
    assert len(open_for_reading(home.log).read(0, limit=9).records) == 2
    lines = [json.loads(line) for line in told.decode().splitlines()]
    assert any("listens on" in line["message"] for line in lines)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    port, home = free_port(), Home(tmp_path)
    key = add(home.write_keys, source="web", mode="open", now=NOW)
    with ingest(tmp_path, port) as process:
        wait_until_healthy(port)
        for number in range(20):
            post(
                port,
                key,
                {
                    "event_id": f"5e0f6d0c-7b1c-4c5e-9a57-{number:012d}",
                    "timestamp": "2026-03-01T09:59:00.000Z",
                    "event_name": "flew",
                    "user_id": "ann",
                },
            )
        process.kill()
        process.wait(60)

    assert len(open_for_reading(home.log).read(0, limit=99).records) == 20


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with ingest(tmp_path, port) as process:
            _, told = process.communicate(timeout=60)

    assert process.returncode == 1
    (line,) = told.decode().strip().splitlines()
    assert f"127.0.0.1:{port}" in line
    assert "QUESTLOG_INGEST_PORT" in line


def test_a_door_sings_once_a_second_into_its_log(tmp_path: Path) -> None:
    port = free_port()
    with ingest(tmp_path, port, QUESTLOG_INGEST_CANARY_SECONDS="1"):
        wait_until_healthy(port)
        deadline = time.monotonic() + 60
        sung: list[str] = []
        while len(sung) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
            with closing(open_for_reading(tmp_path / "log")) as log:
                records = log.read(0, limit=1_000).records
            sung = [row["door"] for record in records for row in record.named()]

    assert sung[0].endswith(f":{port}")
    assert {record.kind for record in records} == {"canary"}
