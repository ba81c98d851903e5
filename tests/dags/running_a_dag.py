"""Run one DAG for one day, in a process of its own; print its tasks' states."""

import json
import sys
from datetime import UTC, datetime

from airflow.dag_processing.dagbag import DagBag

from warehouse.settings import REPOSITORY


def main(dag_id: str, day: str) -> None:
    dag = DagBag(str(REPOSITORY / "dags")).dags[dag_id]
    # Airflow 3.3 can't run a DAG with a deadline this way: it looks for a row of it
    dag.deadline = None
    run = dag.test(logical_date=datetime.fromisoformat(day).replace(tzinfo=UTC))
    states = {
        f"{task.task_id} {task.rendered_map_index}"
        if task.map_index >= 0
        else task.task_id: str(task.state)
        for task in run.get_task_instances()
    }
    sys.stdout.write("\nSTATES " + json.dumps(states) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
