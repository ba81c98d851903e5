"""Credentials of ad accounts lie in Airflow's connections, and reach the tasks."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dags.credentials import CONNECTIONS
from warehouse.settings import REPOSITORY, table

FOLDER = REPOSITORY / "tests" / "dags"
META = {
    "conn_type": "generic",
    "password": "token-of-the-connection",
    "extra": {"ad_account_id": "act_9", "pixel_id": "1000"},
}


def run(script: str, *words: str, environ: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, str(FOLDER / script), *words],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_connection_stands_in_for_the_settings_of_its_account(
    tmp_path: Path,
) -> None:
    told = run(
        "reading_connections.py",
        environ={
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW_CONN_QUESTLOG_META": json.dumps(META),
            "META_ACCESS_TOKEN": "token-of-the-environment",
            "GOOGLE_CUSTOMER_ID": "1234567890",
        },
    )

    assert json.loads(told.splitlines()[-1]) == {
        "META_ACCESS_TOKEN": "token-of-the-connection",
        "META_AD_ACCOUNT_ID": "act_9",
        "META_PIXEL_ID": "1000",
        "GOOGLE_CUSTOMER_ID": "1234567890",
    }


def test_what_a_connection_stands_in_for_is_a_setting() -> None:
    known = {row.metadata["name"] for row in table()}

    assert {name for held in CONNECTIONS.values() for name in held.values()} <= known
