"""Read the DAG folder as Airflow does, in a process of its own; print the facts."""

import json
import sys
import time

from airflow.dag_processing.dagbag import DagBag

from warehouse.settings import REPOSITORY

HEAVY = {
    *("chdb", "clickhouse_connect", "great_expectations", "pandas", "pyarrow"),
    *("scipy", "sklearn", "lightgbm", "expectations", "ml", "activation", "ingestion"),
}
"""What tasks import when they run, and nobody does to read when they should."""


def main() -> None:
    began = time.process_time()
    bag = DagBag(str(REPOSITORY / "dags"))
    facts = {
        "cpu_seconds": time.process_time() - began,
        "heavy": sorted(HEAVY & sys.modules.keys()),
        "import_errors": bag.import_errors,
        "dags": {
            dag.dag_id: {
                "doc": dag.doc_md or "",
                "tags": sorted(dag.tags),
                "catchup": dag.catchup,
                "max_active_runs": dag.max_active_runs,
                "start_date": dag.start_date.isoformat(),
                "file": dag.fileloc,
                "tasks": {
                    task.task_id: {
                        "retries": task.retries,
                        "retry_delay": task.retry_delay.total_seconds(),
                        "pool": task.pool,
                        "outlets": [asset.uri for asset in task.outlets],
                        "upstream": sorted(task.upstream_task_ids),
                        "trigger_rule": task.trigger_rule.value,
                        "judged_retries": task.has_retry_policy,
                    }
                    for task in dag.tasks
                },
            }
            for dag in bag.dags.values()
        },
    }
    sys.stdout.write("\nFACTS " + json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
