"""Loaders as processes: they tell how they stand, two at one port as well."""

import http.client
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from tests.integration.test_ingestion_loader import an_event, stored, taken
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY, Settings

PATIENCE_S = 60


@contextmanager
def loader(
    home: Path, *, clickhouse: int, port: int, log: IO[bytes] | int
) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-m", "questlog", "load", "--follow"],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "QUESTLOG_HOME": str(home),
            "QUESTLOG_LOADER_PORT": str(port),
            "CLICKHOUSE_HOST": "127.0.0.1",
            "CLICKHOUSE_PORT": str(clickhouse),
        },
        stderr=log,
    ) as process:
        try:
            yield
        finally:
            process.kill()


def told(port: int) -> dict[str, float]:
    """Nothing where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
    except (OSError, http.client.HTTPException):  # it may just end
        return {}
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")
    }


def until(is_so: Callable[[dict[str, float]], bool], port: int) -> dict[str, float]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if (found := told(port)) and is_so(found):
            return found
        time.sleep(0.1)
    raise AssertionError(told(port))


def test_a_loader_tells_what_waits_while_clickhouse_is_away(tmp_path: Path) -> None:
    taken(tmp_path, [an_event()], source="told")
    port = free_port()

    with loader(tmp_path, clickhouse=free_port(), port=port, log=subprocess.DEVNULL):
        found = until(lambda one: one["questlog_loader_breaker"] == 2, port)

    assert found['questlog_loader_failures_total{error="Unavailable"}'] >= 3
    assert found['questlog_loader_waiting{log="log"}'] > 0
    assert found['questlog_loader_waiting_seconds{log="log"}'] > 0
    assert found["questlog_loader_rows_total"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_a_second_loader_at_one_port_loads_and_tells_once_the_first_has_gone(
    endpoint: Settings, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        taken(tmp_path / name, [an_event()], source=f"told-{name}")
    port, engine = free_port(), endpoint.endpoint_port

    def is_loaded(found: dict[str, float]) -> bool:
        return found["questlog_loader_rows_total"] == 1

    with ExitStack() as held, (tmp_path / "said").open("w+b") as said:
        first = ExitStack()
        held.enter_context(first)
        first.enter_context(
            loader(tmp_path / "one", clickhouse=engine, port=port, log=said)
        )
        until(is_loaded, port)
        held.enter_context(
            loader(tmp_path / "two", clickhouse=engine, port=port, log=said)
        )
        deadline = time.monotonic() + PATIENCE_S
        while not stored(endpoint, "told-two") and time.monotonic() < deadline:
            time.sleep(0.1)
        first.close()

        found = until(is_loaded, port)

        said.seek(0)
        assert said.read().count(b"cannot tell its metrics at 127.0.0.1") == 1
    assert found['questlog_loader_waiting{log="log"}'] == 0
    assert found["questlog_loader_blocks_total"] == 1
