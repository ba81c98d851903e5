"""Decide every Monday whom to write to, from scores, segments and health.

Triage: safe to clear and rerun: a run replaces only its date's decisions. A skipped
`decide` names what was not made for the day (the DAGs churn, segments, health): clear
it once that is there.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, dag, task

from dags.defaults import AS_OF, TASKS, skipped_where_data_lack
from dags.telling import deadline

DECISIONS = Asset("clickhouse://ml/interventions")


@dag(
    schedule="0 9 * * 1",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("interventions", timedelta(hours=6)),
    doc_md=__doc__,
    tags=["ml", "weekly"],
)
def interventions() -> None:
    """One task: the triggers, with people held out."""

    @task(outlets=[DECISIONS])
    def decide(as_of: str) -> None:
        from ml.interventions import decide

        with skipped_where_data_lack():
            decide(as_of)

    decide(AS_OF)


interventions()
