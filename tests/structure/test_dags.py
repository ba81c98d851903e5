"""The policy of the DAGs: documented, retried, one at a time, never in the past."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from questlog.stack.airflow import POOLS, environment
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import LAYERS, PROJECT

DAGS = REPOSITORY / "dags"
WRITERS = "warehouse_writers"
LONGEST_FILE = 90
SECONDS_TO_READ = 4
EXPECTED = {
    *("models", "freshness", "churn", "lifetime_value", "segments", "audiences"),
    "retention",
}
READER = REPOSITORY / "tests" / "dags" / "reading_the_dags.py"


def read_in(settings: Settings) -> dict[str, Any]:
    """What Airflow finds in dags/, read in a process and a home of its own."""
    environ = (
        os.environ
        | environment(settings)
        | {
            "QUESTLOG_HOME": str(settings.home),
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__COSMOS__CACHE_DIR": str(settings.home / "cosmos"),
        }
    )
    done = subprocess.run(
        [sys.executable, READER],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith("FACTS "):
            found: dict[str, Any] = json.loads(line.removeprefix("FACTS "))
            return found
    raise AssertionError(done.stderr[-3000:])


@pytest.fixture(scope="module")
def facts(new_settings: Callable[[], Settings]) -> dict[str, Any]:
    return read_in(new_settings())


@pytest.fixture(scope="module")
def dags(facts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = facts["dags"]
    return found


def tasks(dags: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for dag_id, dag in dags.items():
        for task_id, task in dag["tasks"].items():
            yield f"{dag_id}.{task_id}", task


def files() -> list[Path]:
    return sorted(DAGS.glob("*.py"))


def test_every_dag_is_found_and_none_fails_to_import(facts: dict[str, Any]) -> None:
    assert facts["import_errors"] == {}
    assert set(facts["dags"]) >= EXPECTED


def test_reading_the_dags_loads_nothing_that_only_tasks_need(
    facts: dict[str, Any],
) -> None:
    assert facts["heavy"] == []


def test_every_dag_says_what_to_do_when_it_fails(dags: dict[str, Any]) -> None:
    assert [name for name, dag in dags.items() if "Triage:" not in dag["doc"]] == []


def test_every_dag_has_tags_and_runs_once_at_a_time(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert dag["tags"]
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False


def test_catchup_is_written_down_in_every_dag(dags: dict[str, Any]) -> None:
    silent = [
        dag["file"]
        for dag in dags.values()
        if "catchup=" not in Path(dag["file"]).read_text()
    ]

    assert silent == []


def test_every_task_is_tried_again_only_where_that_can_help(
    dags: dict[str, Any],
) -> None:
    for name, task in tasks(dags):
        assert task["retries"] >= 1, name
        assert task["retry_delay"] >= 30, name
        assert task["judged_retries"], name


def test_every_task_waits_for_the_one_slot_of_writers(dags: dict[str, Any]) -> None:
    others = {name: t["pool"] for name, t in tasks(dags) if t["pool"] != WRITERS}

    # a push waits for its destination most of the time
    assert others == {"audiences.push": "destination_calls"}
    assert {WRITERS, *others.values()} == POOLS.keys()


def test_every_dag_names_what_it_brings_about(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        outlets = [uri for task in dag["tasks"].values() for uri in task["outlets"]]

        assert outlets, dag_id


def test_no_layer_is_built_or_shown_before_its_gate(dags: dict[str, Any]) -> None:
    models = dags["models"]["tasks"]
    steps = dags["churn"]["tasks"]

    assert models["publish_marts"]["upstream"] == ["gate_marts"]
    assert models["gate_staging"]["upstream"] == ["build_staging"]
    assert models["build_marts"]["upstream"] == ["gate_staging"]
    assert models["gate_marts"]["upstream"] == ["build_marts"]
    assert steps["features.build"]["upstream"] == ["features.gate_staging"]
    assert steps["features.publish"]["upstream"] == ["features.gate"]
    assert steps["due"]["upstream"] == ["features.publish"]
    assert steps["train"]["upstream"] == ["due"]
    assert steps["gate"]["upstream"] == ["score"]
    assert dags["audiences"]["tasks"]["gate"]["upstream"] == ["choose"]
    assert dags["audiences"]["tasks"]["targets"]["upstream"] == ["gate"]
    assert dags["audiences"]["tasks"]["push"]["upstream"] == ["targets"]
    # one audience that is bad holds back no other: each push asks the gate itself
    assert dags["audiences"]["tasks"]["targets"]["trigger_rule"] == "all_done"


def test_every_model_belongs_to_a_layer_that_some_dag_builds() -> None:
    paths = [path.removeprefix("path:") for layer in LAYERS.values() for path in layer]
    models = list((PROJECT / "models").rglob("*.sql"))

    assert models
    assert [
        model.name
        for model in models
        if not any(model.is_relative_to(PROJECT / path) for path in paths)
    ] == []


def test_a_dag_runs_for_any_day_a_file_of_events_may_end_on(
    dags: dict[str, Any],
) -> None:
    assert {dag["start_date"][:4] for dag in dags.values()} == {"2000"}


def test_a_dag_is_short_and_read_quickly(facts: dict[str, Any]) -> None:
    assert files()
    assert [
        f.name for f in files() if len(f.read_text().splitlines()) >= LONGEST_FILE
    ] == []
    # of this process: what else the machine does counts for nothing
    assert facts["cpu_seconds"] < SECONDS_TO_READ


def test_no_dag_file_is_taken_for_a_plugin_of_dbt() -> None:
    assert [path.name for path in files() if path.name.startswith("dbt_")] == []


def test_a_dag_imports_rooms_only_inside_its_tasks() -> None:
    rooms = {"expectations", "ml", "activation", "ingestion"}
    eager = [
        (path.name, ast.unparse(node))
        for path in files()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and rooms & set(ast.unparse(node).replace(".", " ").split())
    ]

    assert eager == []
