"""Hostile bodies and strings, from a socket to ClickHouse and back."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ingestion.app import application
from ingestion.keys import add
from ingestion.loader import Loader, ledger_of
from ingestion.segments import open_for_reading
from ingestion.serving import opened
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.settings import REPOSITORY, Settings

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))
BODIES = CASES / "bad_input" / "json_test_parsing"
HOSTILE = CASES / "bad_input" / "blns_events.jsonl"
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
OURS = ("nul \x00 inside", "\x00", "\\", '"', "\u2028", "\x7f", "\U0010ffff")


@contextmanager
def served(home: Path) -> Iterator[int]:
    """The door behind a real socket and a real HTTP server; its port."""
    with (
        opened(replace(Settings(), home=home), lambda: NOW) as service,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        server = uvicorn.Server(
            uvicorn.Config(application(service), log_config=None, lifespan="off")
        )
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


class Sender:
    """Posts bodies to the door over one connection at a time."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key

    def post(self, body: bytes) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            headers = {"X-Write-Key": self.key, "Content-Type": "application/json"}
            connection.request("POST", "/v1/events", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


def an_event(number: int, text: str) -> dict[str, Any]:
    return {
        "event_id": f"5e0f6d0c-7b1c-4c5e-9a57-{number:012d}",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "flew",
        "user_id": text,
        "properties": {"feature_name": text, text: 1},
        "context": {"user_agent": text},
    }


def loaded(home: Path, settings: Settings) -> None:
    log = Home(home).log
    with closing(open_for_reading(log)) as reader, connect(settings) as client:
        Loader(reader, ledger_of(log), lambda: NOW).drain(client)


def count(settings: Settings, source: str) -> int:
    with connect(settings) as client:
        query = "select count() as n from raw.events where source = {source:String}"
        return int(rows(client, query, {"source": source})[0]["n"])


@pytest.mark.skipif(not BODIES.is_dir(), reason=f"{BODIES} is absent")
def test_invalid_bodies_are_4xx_none_breaks_the_door_and_none_is_stored(
    endpoint: Settings, tmp_path: Path
) -> None:
    key = add(Home(tmp_path).write_keys, source="broken", mode="open", now=NOW)
    good = json.dumps(an_event(1, "ann")).encode()

    with served(tmp_path) as port:
        sender = Sender(port, key)
        before = sender.post(good)[0]
        codes = {
            path.name: sender.post(path.read_bytes())[0]
            for path in sorted(BODIES.glob("*.json"))
        }
        after = sender.post(good)[0]
    loaded(tmp_path, endpoint)

    assert (before, after) == (200, 200)
    assert len(codes) == 318
    assert {name for name, code in codes.items() if code >= 500} == set()
    invalid = {name: code for name, code in codes.items() if name[0] == "n"}
    assert len(invalid) == 188
    assert {name for name, code in invalid.items() if not 400 <= code < 500} == set()
    # the good event twice, and nothing of what lay between
    assert count(endpoint, "broken") == 2


@pytest.mark.skipif(not HOSTILE.exists(), reason=f"{HOSTILE} is absent")
def test_every_hostile_string_comes_back_byte_equal(
    endpoint: Settings, tmp_path: Path
) -> None:
    key = add(Home(tmp_path).write_keys, source="hostile", mode="open", now=NOW)
    sent = [json.loads(line) for line in HOSTILE.read_bytes().splitlines()]
    sent += [an_event(number, text) for number, text in enumerate(OURS)]

    with served(tmp_path) as port:
        sender = Sender(port, key)
        answers = [
            sender.post(json.dumps(sent[start : start + 100]).encode())
            for start in range(0, len(sent), 100)
        ]
    loaded(tmp_path, endpoint)

    assert {status for status, _ in answers} == {200}
    assert sum(json.loads(body)["accepted"] for _, body in answers) == 515 + len(OURS)
    with connect(endpoint) as client:
        found = {
            str(row["event_id"]): row
            for row in rows(
                client,
                "select event_id, user_id, properties, context,"
                " hex(JSONExtractString(properties, 'feature_name')) as feature_hex"
                " from raw.events where source = 'hostile'",
            )
        }
    assert len(found) == len(sent)
    for event in sent:
        row = found[event["event_id"]]
        assert row["user_id"] == event["user_id"]
        feature = event["properties"]["feature_name"]
        assert bytes.fromhex(row["feature_hex"]) == feature.encode()
        assert json.loads(row["properties"]) == event["properties"]
        assert json.loads(row["context"]) == event["context"]
