"""ClickHouse's own JavaScript client works on the embedded endpoint, unchanged."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from warehouse.settings import Settings

MODULES = Path(__file__).parents[2] / ".node" / "node_modules"
STEPS = Path(__file__).parent / "javascript" / "steps.cjs"
ROWS = 20_000


@pytest.fixture(scope="module")
def seen(endpoint: Settings) -> dict[str, Any]:
    """What the client saw, step by step."""
    node = shutil.which("node")
    if node is None or not (MODULES / "@clickhouse" / "client").is_dir():
        pytest.skip("issue 4: node, or the client that `make setup` installs, is away")
    done = subprocess.run(
        [node, str(STEPS), f"http://127.0.0.1:{endpoint.endpoint_port}"],
        env={**os.environ, "NODE_PATH": str(MODULES)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_javascript_client_finds_the_endpoint(seen: dict[str, Any]) -> None:
    assert seen["ping"] is True


@pytest.mark.parametrize("way", ["plain", "packed"])
def test_the_javascript_client_streams_rows_in_and_out(
    seen: dict[str, Any], way: str
) -> None:
    last = {"a": ROWS - 1, "b": f'it\'s "ü" {ROWS - 1}'}

    assert (seen[way]["count"], seen[way]["last"]) == (ROWS, last)
    assert seen[way]["written"] == str(ROWS)


def test_the_javascript_client_reads_an_errors_code(seen: dict[str, Any]) -> None:
    assert (seen["unknown"]["code"], seen["unknown"]["type"]) == ("60", "UNKNOWN_TABLE")


def test_the_javascript_client_keeps_a_session(seen: dict[str, Any]) -> None:
    assert [int(row["total"]) for row in seen["session"]] == [3]


def test_a_query_that_the_javascript_client_aborts_is_stopped(
    seen: dict[str, Any],
) -> None:
    assert seen["aborted"]["started"]
    assert seen["aborted"]["error"] is not None
    assert seen["aborted"]["stopped"]
