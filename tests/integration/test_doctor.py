"""`questlog doctor` before real processes: a healthy home, and broken ones."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from questlog.stack.local import environment
from tests.integration.alerting_standins import eventually
from tests.integration.alertmanager_process import (
    needs_alertmanager,
    running_alertmanager,
)
from warehouse.alerting import Alert, raise_alert, resolve
from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY, Settings

pytestmark = needs_alertmanager


def examine(settings: Settings) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and the findings by subject."""
    done = subprocess.run(
        [sys.executable, "-m", "questlog", "doctor", "--json"],
        env=environment(settings, os.environ),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["healthy"] == (done.returncode == 0)
    return done.returncode, {one["subject"]: one for one in told["findings"]}


@pytest.fixture(scope="module")
def healthy(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Settings]:
    """A home with an engine, tables, a door and an Alertmanager."""
    settings = replace(
        new_settings(), ingest_port=free_port(), airflow_port=free_port()
    )
    folder = tmp_path_factory.mktemp("alertmanager")
    with run_endpoint(settings), running_alertmanager(settings, folder) as told:
        settings = replace(settings, alertmanager_url=told)
        with connect(settings) as client:
            migrate(client)
            client.command(
                "insert into raw.events (event_name, loaded_at)"
                " values ('rolled', now64(3))"
            )
        door = subprocess.Popen(
            [sys.executable, "-m", "questlog", "serve", "ingest"],
            env=environment(settings, os.environ),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(
                lambda: examine(settings)[1]["door"]["state"] == "ok", what="the door"
            )
            yield settings
        finally:
            door.terminate()
            door.wait(15)


def test_a_healthy_home_is_told_as_such(healthy: Settings) -> None:
    code, found = examine(healthy)

    assert code == 0
    assert set(found) >= {
        *("versions", "disk", "door", "log", "engine", "tables"),
        *("gates", "sources", "marts", "latency", "builds", "alerts"),
    }
    assert found["engine"]["said"].startswith("ClickHouse 26.")
    assert found["alerts"] == {
        "subject": "alerts",
        "state": "ok",
        "said": "none",
        "remedy": "",
    }


def test_a_closed_gate_and_a_page_are_seen(healthy: Settings) -> None:
    alert = Alert("MartStale", "page", {}, "Old.", "docs/runbooks/mart-stale.md")
    now = datetime.now(UTC)
    with connect(healthy) as client:
        client.command(
            "insert into ops.gate_results (run_id, gate, severity, success)"
            " values (generateUUIDv4(), 'marts', 'stop', false)"
        )
    raise_alert(healthy.alertmanager_url, alert, now=now)

    code, found = examine(healthy)

    resolve(healthy.alertmanager_url, alert, now=now + timedelta(seconds=1))
    with connect(healthy) as client:
        client.command("truncate table ops.gate_results")
    assert code == 1
    assert found["gates"]["said"] == "closed: marts (1 failed)"
    assert found["gates"]["remedy"] == "docs/runbooks/gate-closed.md"
    assert found["alerts"]["said"] == "MartStale"


def test_a_full_disk_is_seen_before_events_are_lost(healthy: Settings) -> None:
    code, found = examine(replace(healthy, ingest_disk_reserve_mb=10**9))

    assert code == 1
    assert found["disk"]["state"] == "bad"
    assert "the door refuses events (503)" in found["disk"]["said"]


def test_a_dead_engine_is_named_and_nothing_hangs(healthy: Settings) -> None:
    code, found = examine(replace(healthy, endpoint_port=free_port()))

    assert code == 1
    assert found["engine"]["state"] == "bad"
    assert found["engine"]["remedy"] == "docs/runbooks/endpoint-down.md"
    assert "gates" not in found
    assert "alerts" in found


def test_an_airflow_that_ought_to_be_there_and_is_not_is_seen(
    healthy: Settings,
) -> None:
    # without an address nobody says that there is one
    assert "airflow" not in examine(healthy)[1]

    code, found = examine(
        replace(healthy, airflow_url=f"http://127.0.0.1:{free_port()}")
    )

    assert code == 1
    assert found["airflow"]["said"].startswith("no sign of life of api at http://")
    assert found["airflow"]["remedy"] == "docs/runbooks/airflow-down.md"


def test_missing_tables_are_named_with_their_remedy(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> None:
    settings = new_settings()
    with run_endpoint(settings):
        code, found = examine(settings)

    assert code == 1
    assert found["tables"]["remedy"] == "questlog migrate"
    assert found["door"]["state"] == "look"
