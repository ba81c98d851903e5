"""How the DAGs of models run: one day of a week, one at a time, told when late."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import dag

from dags.defaults import TASKS
from dags.telling import deadline


def weekly(
    name: str, *, schedule: str, catchup: bool, doc: str | None
) -> Callable[..., Any]:
    """The decorator of a DAG of that name; `doc` says what to do when it fails."""
    return dag(
        schedule=schedule,
        start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
        catchup=catchup,
        max_active_runs=1,
        default_args=TASKS,
        deadline=deadline(name, timedelta(hours=6)),
        doc_md=doc,
        tags=["ml", "weekly"],
    )
