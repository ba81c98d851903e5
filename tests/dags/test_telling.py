"""What Airflow tells Alertmanager: a real one, asked what it knows afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import requests

from questlog.stack.airflow import environment
from tests.integration.alertmanager_process import (
    needs_alertmanager,
    running_alertmanager,
)
from warehouse.settings import REPOSITORY, Settings

SCRIPT = REPOSITORY / "tests" / "dags" / "telling_of_tasks.py"


@needs_alertmanager
def test_failures_and_lateness_are_told_and_success_takes_them_back(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "home")
    with running_alertmanager(settings, tmp_path) as address:
        subprocess.run(
            [sys.executable, str(SCRIPT)],
            env=os.environ
            | environment(settings)
            | {"ALERTMANAGER_URL": address, "PYTHONPATH": str(REPOSITORY)},
            check=True,
            timeout=120,
        )

        found = requests.get(f"{address}/api/v2/alerts", timeout=60).json()

    told = {
        (one["labels"]["alertname"], one["labels"].get("task", "")): one["annotations"]
        for one in found
    }
    assert set(told) == {
        ("GateClosed", "gate_marts"),
        ("TaskFailed", "build_marts"),
        ("DeadlineMissed", ""),
        ("GateClosed", "push"),
    }
    closed = told["GateClosed", "gate_marts"]
    assert closed["summary"] == (
        "models.gate_marts failed: The gate marts is closed: 1 row."
    )
    assert closed["runbook"] == "docs/runbooks/gate-closed.md"
    # of mapped tasks each for itself: that another succeeds takes nothing back
    pushed = next(one for one in found if one["labels"].get("task") == "push")
    assert pushed["labels"]["of"] == "audience 3"
    summary = pushed["annotations"]["summary"]
    assert summary == "models.push audience 3 failed: Too few."
    # what the task had in hand is not told
    failed = told["TaskFailed", "build_marts"]["summary"]
    assert failed == "models.build_marts failed: ValueError: its log says more."
