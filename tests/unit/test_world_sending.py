"""Sending counts what the door says, and tries again while the door is away."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestion.app import application
from ingestion.keys import add
from ingestion.serving import opened
from questlog.world.parameters import Parameters
from questlog.world.sending import Door, Outcome, read_lines, send, send_lines
from questlog.world.simulate import create
from warehouse.errors import BadInput, Unavailable
from warehouse.home import Home
from warehouse.settings import Settings

Answer = tuple[int, dict[str, Any]]


@contextmanager
def a_door_that_answers(answer: Callable[[bytes], Answer]) -> Iterator[Door]:
    """A door on a free port whose answers are scripted; it does not wait."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = answer(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(orjson.dumps(said))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield Door(url=url, key="key", pause=lambda _: None)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def accepted(body: bytes) -> Answer:
    events = orjson.loads(body)
    verdicts = [{"status": "accepted", "objections": []} for _ in events]
    return 200, {"accepted": len(events), "verdicts": verdicts}


def sent(lines: list[bytes], door: Door) -> Outcome:
    return send_lines(lines, door)


def test_progress_counts_every_line_once() -> None:
    heard: list[int] = []
    with a_door_that_answers(accepted) as door:
        outcome = send_lines([b"{}"] * 450, door, advance=heard.append)

    assert heard == [200, 200, 50]
    assert (outcome.sent, outcome.accepted) == (450, 450)


def test_a_batch_is_sent_again_until_the_door_is_back() -> None:
    statuses = [503, 429, 500]

    def answer(body: bytes) -> Answer:
        return (statuses.pop(), {}) if statuses else accepted(body)

    with a_door_that_answers(answer) as door:
        outcome = sent([b"{}"], door)

    assert outcome.accepted == 1


def test_a_door_that_stays_away_is_named() -> None:
    door = Door(url="http://127.0.0.1:1", key="key", pause=lambda _: None)

    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1 did not take a batch"):
        sent([b"{}"], door)


def test_a_refused_key_is_said_without_the_key() -> None:
    with (
        a_door_that_answers(lambda _: (401, {})) as door,
        pytest.raises(BadInput, match="does not know this write key") as refused,
    ):
        sent([b"{}"], replace(door, key="qk_secret"))

    assert "qk_secret" not in str(refused.value)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(BadInput, match="'nowhere' is no address"):
        sent([b"{}"], Door(url="nowhere", key="key"))


def test_a_batch_too_long_goes_event_by_event() -> None:
    def answer(body: bytes) -> Answer:
        return (413, {}) if len(body) > 5 else accepted(body)

    with a_door_that_answers(answer) as door:
        outcome = sent([b"{}", b'{"long":1}', b"{}"], door)

    assert outcome.accepted == 2
    assert outcome.refused == {"too_large": 1}


def test_a_file_is_sent_to_the_route_whether_the_address_names_it_or_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("{}\n\n{}\n")
    with a_door_that_answers(accepted) as door:
        outcomes = [
            send(file, url=door.url + ending, key="key")
            for ending in ("", "/", "/v1/events")
        ]

    assert [outcome.accepted for outcome in outcomes] == [2, 2, 2]


def test_a_file_without_lines_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n\n")

    with pytest.raises(BadInput, match="holds no events"):
        read_lines(empty)
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_lines(tmp_path / "absent.jsonl")


@contextmanager
def the_true_door(home: Path) -> Iterator[Door]:
    """The ingest service itself, over HTTP on a free port."""
    import uvicorn

    settings = Settings(home=home)
    key = add(
        Home(home).write_keys, source="web", mode="planned", now=datetime.now(UTC)
    )
    with opened(settings, lambda: datetime.now(UTC)) as service:
        config = uvicorn.Config(application(service), port=0, log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                threading.Event().wait(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Door(url=f"http://127.0.0.1:{port}", key=key)
        finally:
            server.should_exit = True
            thread.join()


def test_the_true_door_answers_a_live_slice_as_the_truth_says(tmp_path: Path) -> None:
    world = create(
        Parameters(
            people=150,
            days=14,
            end=date(2026, 3, 1),
            seed=3,
            now=datetime(2026, 3, 2, 9, tzinfo=UTC),
        )
    )
    reasons = [line.reason for line in world.live if line.reason]

    with the_true_door(tmp_path) as door:
        outcome = sent([*(line.raw for line in world.live), b"undefined"], door)

    assert outcome.sent == len(world.live) + 1
    assert outcome.accepted == len(world.live) - len(reasons)
    assert sorted(outcome.refused.elements()) == sorted([*reasons, "not_json"])
