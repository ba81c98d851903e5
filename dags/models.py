"""Build the warehouse every hour; each layer passes its gate before the next.

Triage: safe to clear and rerun from any task: what a run left half done is repeated.
A red `gate_…` names the expectation, the rows and their keys in its log: follow
docs/runbooks/gate-closed.md. Readers keep the marts that were published last.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task

from dags.defaults import AS_OF, TASKS
from dags.layers import layer
from dags.telling import deadline

MARTS = Asset("clickhouse://warehouse/marts")


@dag(
    schedule="0 * * * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("models", timedelta(minutes=50)),
    doc_md=__doc__,
    tags=["warehouse", "hourly"],
)
def models() -> None:
    """Staging, its gate, the marts, their gate, publication."""

    @task
    def gate_staging(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("staging", as_of)

    @task
    def gate_marts(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("marts", as_of)

    @task(outlets=[MARTS])
    def publish_marts() -> None:
        from warehouse.publishing import publish_at_door

        publish_at_door("marts")

    chain(
        layer("staging"),
        gate_staging(AS_OF),
        layer("marts"),
        gate_marts(AS_OF),
        publish_marts(),
    )


models()
