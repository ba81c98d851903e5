"""Airflow on one machine: its environment, its database, its API."""

import base64
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.durable import private_folder, put
from warehouse.errors import StackFailed
from warehouse.home import Home
from warehouse.lineage.events import NAMESPACE
from warehouse.settings import REPOSITORY, Settings

USER = "admin"
POOLS = {
    "warehouse_writers": (1, "One writer at a time"),
    "destination_calls": (2, "Pushes share the rate limits of their destinations"),
}
_FINISHED = {"success", "failed"}
_POLL_SECONDS = 0.5


def environment(settings: Settings) -> dict[str, str]:
    """Airflow's variables for this home; its secrets are made once and kept there."""
    home = Home(settings.home.resolve())
    address = f"http://127.0.0.1:{settings.airflow_port}"
    return {
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": _kept(home, "airflow_fernet_key", _fernet_key),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(home)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home.airflow}/airflow.db",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": _kept(home, "airflow_api_secret", _word),
        "AIRFLOW__API_AUTH__JWT_SECRET": _kept(home, "airflow_jwt_secret", _word),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.airflow / "logs"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__OPENLINEAGE__NAMESPACE": NAMESPACE,
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(_lineage(settings)),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home.airflow / "cosmos"),
    }


def _lineage(settings: Settings) -> dict[str, object]:
    """Where Airflow's own provider tells OpenLineage of its runs."""
    if settings.lineage_url:
        return {"type": "http", "url": settings.lineage_url}
    file = Home(settings.home.resolve()).lineage / "airflow.jsonl"
    return {"type": "file", "log_file_path": str(file), "append": True}


def password(settings: Settings) -> str:
    """The UI's password for this home."""
    return _kept(Home(settings.home.resolve()), "airflow_password", _word)


def prepare(settings: Settings, environ: dict[str, str]) -> None:
    """Make Airflow's database and pools; all may exist already.

    Raises StackFailed with the end of what Airflow said.
    """
    home = Home(settings.home.resolve())
    private_folder(home.airflow)
    private_folder(home.lineage)
    put(_passwords(home), json.dumps({USER: password(settings)}).encode())
    _airflow(environ, "db", "migrate")
    for pool, (slots, meaning) in POOLS.items():
        _airflow(environ, "pools", "set", pool, str(slots), meaning)


class Api:
    """Airflow's REST API, as its admin."""

    def __init__(self, settings: Settings) -> None:
        """Take the address and the login from the settings."""
        self._address = f"http://127.0.0.1:{settings.airflow_port}"
        self._password = password(settings)
        self._token = ""

    def run(self, dag: str, as_of: date) -> Iterator[dict[str, str]]:
        """Run a DAG for a day and yield its tasks' states until it has finished.

        The last value has the key `""`: the state of the whole run.
        """
        self._await_dag(dag)
        run_id = f"demo__{as_of}__{secrets.token_hex(4)}"
        self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})
        try:
            self._call(
                "POST",
                f"/api/v2/dags/{dag}/dagRuns",
                {"dag_run_id": run_id, "logical_date": f"{as_of}T00:00:00Z"},
            )
            while True:
                states = self._states(dag, run_id)
                yield states
                if states[""] in _FINISHED:
                    return
                time.sleep(_POLL_SECONDS)
        finally:
            self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": True})

    def _await_dag(self, dag: str, patience_s: float = 90) -> None:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._request("GET", f"/api/v2/dags/{dag}").status_code == _OK:
                return
            time.sleep(_POLL_SECONDS)
        errors = self._call("GET", "/api/v2/importErrors").get("import_errors", [])
        said = "; ".join(error["stack_trace"].splitlines()[-1] for error in errors)
        raise StackFailed(f"Airflow does not know the DAG {dag}. {said}".strip())

    def _states(self, dag: str, run_id: str) -> dict[str, str]:
        run = f"/api/v2/dags/{dag}/dagRuns/{run_id}"
        found = self._call("GET", f"{run}/taskInstances?limit=200")["task_instances"]
        states = {task["task_id"]: task["state"] or "none" for task in found}
        return states | {"": self._call("GET", run)["state"]}

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._request(method, path, body)
        if not answer.ok:
            raise StackFailed(
                f"Airflow answered {answer.status_code} to {method} {path}:"
                f" {answer.text[:300]}"
            )
        return answer.json()

    def _request(self, method: str, path: str, body: object = None) -> Any:
        import requests

        for first in (True, False):
            if not self._token:
                login = {"username": USER, "password": self._password}
                answer = requests.post(
                    f"{self._address}/auth/token", json=login, timeout=30
                )
                self._token = answer.json()["access_token"]
            answer = requests.request(
                method,
                self._address + path,
                json=body,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=60,
            )
            if answer.status_code != _UNAUTHORIZED or not first:
                break
            self._token = ""
        return answer


_OK = 200
_UNAUTHORIZED = 401


def _airflow(environ: dict[str, str], *words: str) -> None:
    command = [str(Path(sys.executable).parent / "airflow"), *words]
    done = subprocess.run(  # noqa: S603 -- our own words
        command,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-5:])
        raise StackFailed(f"`airflow {' '.join(words)}` failed:\n{said}")


def _passwords(home: Home) -> Path:
    return home.secrets / "airflow_passwords.json"


def _kept(home: Home, name: str, made: Callable[[], str]) -> str:
    """A secret of this home: made at the first call, the same ever after."""
    path = home.secrets / name
    if not path.exists():
        put(path, made().encode(), only_new=True)
    return path.read_text()


def _word() -> str:
    return secrets.token_urlsafe(24)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def last_words(settings: Settings, dag: str, tasks: Sequence[str]) -> str:
    """What the first of these tasks said before it failed, and where its log is."""
    logs = Home(settings.home.resolve()).airflow / "logs" / f"dag_id={dag}"
    for task in tasks:
        attempts = logs.glob(f"run_id=*/task_id={task}/*.log")
        for path in sorted(attempts, key=lambda found: found.stat().st_mtime)[-1:]:
            return f"{_last_error(path)}\nIts log: {path}"
    return f"see {logs}"


def _last_error(path: Path) -> str:
    said = ""
    for line in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError, TypeError):
            entry = json.loads(line)
            if entry.get("level") in {"error", "critical"}:
                details = entry.get("error_detail") or [{}]
                said = details[0].get("exc_value") or entry.get("event") or said
    return str(said)
