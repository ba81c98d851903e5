"""Let events go on the second of each month when their time is over.

Triage: safe to clear and rerun, also after a kill: ids are noted before rows go, and a
run lets go only what is over. How long each event is kept is `keep_for` of the
taxonomy; what went stands in ops.audit. The next build of `models` is a whole one, and
takes its time: docs/retention.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, dag, task

from dags.defaults import AS_OF, TASKS
from dags.telling import deadline

EXPIRED = Asset("clickhouse://raw/expired_ids")


@dag(
    schedule="15 3 2 * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("retention", timedelta(hours=2)),
    doc_md=__doc__,
    tags=["warehouse", "monthly"],
)
def retention() -> None:
    """One task: what is over goes."""

    @task(outlets=[EXPIRED])
    def let_go(as_of: str) -> None:
        from warehouse.retention import let_go_at_door

        let_go_at_door(as_of)

    let_go(AS_OF)


retention()
