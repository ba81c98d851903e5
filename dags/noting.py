"""Write into the note of a run what it came to, where somebody looks at runs.

Airflow gives a task no way to its run's note but the API that people use. Where the
local stack keeps the password of that API, the note is written; elsewhere it is not:
the same lines stand in the task's log and in the warehouse.
"""

import logging
import os

from airflow.sdk import get_current_context

from warehouse.home import Home
from warehouse.settings import load

USER = "admin"
_PATIENCE_S = 10.0
_log = logging.getLogger(__name__)


def note_run(text: str) -> None:
    """Note a text on the run of the task that calls this, and in its log."""
    import requests

    _log.info("%s", text)
    password = Home(load(os.environ).home.resolve()).secrets / "airflow_password"
    address = os.environ.get("AIRFLOW__API__BASE_URL", "")
    if not address or not password.is_file():
        return
    run = get_current_context()["dag_run"]
    login = {"username": USER, "password": password.read_text().strip()}
    try:
        answer = requests.post(f"{address}/auth/token", json=login, timeout=_PATIENCE_S)
        requests.patch(
            f"{address}/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}",
            json={"note": text},
            headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
            timeout=_PATIENCE_S,
        )
    except (requests.RequestException, KeyError, ValueError):
        # a note is no reason to fail: the log has it
        return
