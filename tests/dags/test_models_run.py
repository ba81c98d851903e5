"""The models DAG, run for real: a bad row stops at the gate."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from questlog.stack.airflow import environment, prepare
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.publishing import publish
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RUNNER = REPOSITORY / "tests" / "dags" / "running_a_dag.py"
EVENT = "00000000-0000-4000-8000-000000000001"
DAY = "2026-03-01"


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> Iterator[Settings]:
    made = new_settings()
    with run_endpoint(made):
        yield made


def an_event(**changed: Any) -> dict[str, Any]:
    moment = "2026-02-01 10:00:00.000"
    return {
        "event_id": EVENT,
        "event_name": "page_viewed",
        "event_version": "1.0",
        "user_id": "ann",
        "occurred_at": moment,
        "received_at": moment,
        "loaded_at": moment,
        "known_at": moment,
        "properties": "{}",
        "context": "{}",
        "user_properties": "{}",
    } | changed


def insert(client: "Client", event: dict[str, Any]) -> None:
    client.raw_insert(
        "raw.events", insert_block=json.dumps(event).encode(), fmt="JSONEachRow"
    )


def show_a_good_mart(client: "Client") -> None:
    client.command("create database marts_build")
    client.command(
        "create table marts_build.dim_people engine = MergeTree order by person_id"
        " as select 'ann' as person_id, 1 as events"
    )
    publish(client, "marts")


def environ_of(settings: Settings) -> dict[str, str]:
    return environment(settings) | {
        "QUESTLOG_HOME": str(settings.home),
        "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        "CLICKHOUSE_HOST": "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(settings.home / "cosmos"),
    }


def run_dag(dag: str, settings: Settings, day: str = DAY) -> tuple[dict[str, str], str]:
    """The tasks' states of a run for a day, and all that was said."""
    done = subprocess.run(
        [sys.executable, RUNNER, dag, day],
        env=os.environ | environ_of(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("STATES "):
            return json.loads(line.removeprefix("STATES ")), done.stdout
    raise AssertionError(done.stdout[-5000:])


def recorded(settings: Settings) -> list[tuple[str, ...]]:
    """Failed runs and their failed tasks, as Airflow's own database tells them."""
    path = Home(settings.home).airflow / "airflow.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(
            "select r.dag_id, r.state, t.task_id, t.state from dag_run r"
            " join task_instance t using (dag_id, run_id)"
            " where r.state = 'failed' and t.state = 'failed'"
        ).fetchall()


@pytest.mark.timeout(600)
def test_a_bad_row_closes_the_gate_and_the_last_good_marts_remain(
    settings: Settings,
) -> None:
    with connect(settings) as client:
        migrate(client)
        show_a_good_mart(client)
        insert(client, an_event())
        insert(client, an_event(event_id=EVENT[:-1] + "2", event_name="cat_petted"))
    prepare(settings, os.environ | environ_of(settings))
    airflows_own = Path.home() / "airflow"
    was_there = airflows_own.exists()

    states, said = run_dag("models", settings)

    assert states["build_staging"] == "success"
    assert states["gate_staging"] == "failed"
    assert states["publish_marts"] == "upstream_failed"
    assert f"event_name_is_planned_or_tagged: 1 row, such as {EVENT[:-1]}2" in said
    assert recorded(settings) == [("models", "failed", "gate_staging", "failed")]
    with connect(settings) as client:
        staged = rows(client, "select count() as events from staging.stg_events")
        shown = rows(client, "select sum(events) as events from marts.dim_people")
    assert staged == [{"events": 2}]
    assert shown == [{"events": 1}]
    assert airflows_own.exists() == was_there
