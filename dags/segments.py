"""Find the segments of people every Monday.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's rows. A skipped task says what the data lack. A red
`gate_features` names what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task

from dags.defaults import AS_OF, TASKS, skipped_where_data_lack
from dags.features import prepared_features
from dags.telling import deadline

SEGMENTS = Asset("clickhouse://ml/segments")


@dag(
    schedule="0 6 * * 1",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("segments", timedelta(hours=6)),
    doc_md=__doc__,
    tags=["ml", "weekly"],
)
def segments() -> None:
    """Features, their gate, the segments."""

    @task(outlets=[SEGMENTS])
    def find(as_of: str) -> None:
        from ml.segments import run

        with skipped_where_data_lack():
            run(as_of)

    chain(prepared_features(AS_OF), find(AS_OF))


segments()
