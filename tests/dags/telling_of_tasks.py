"""Call Airflow's callbacks as Airflow does, in a process and a home of its own."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from dags.telling import deadline, tell_failure, tell_late, tell_success
from warehouse.errors import GateClosed


def of(task: str, error: Exception | None = None, which: int = -1) -> dict[str, Any]:
    name = f"audience {which}" if which >= 0 else None
    told = {"map_index": which, "rendered_map_index": name}
    context = {"ti": SimpleNamespace(dag_id="models", task_id=task, **told)}
    return context | ({"exception": error} if error else {})


def main() -> None:
    tell_failure(of("gate_marts", GateClosed("The gate marts is closed: 1 row.")))
    tell_failure(of("build_marts", ValueError("ann@example.org cannot be read")))
    tell_failure(of("publish_marts", ValueError("again")))
    tell_success(of("publish_marts"))
    tell_failure(of("push", GateClosed("Too few."), which=3))
    tell_success(of("push", which=4))
    # as the executor calls it: by its path, with the keywords of the DAG
    alert = deadline("models", timedelta(minutes=50))
    assert alert.callback.path == f"{tell_late.__module__}.{tell_late.__qualname__}"
    tell_late(**alert.callback.kwargs)


if __name__ == "__main__":
    main()
