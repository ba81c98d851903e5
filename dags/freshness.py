"""Ask every hour whether events still arrive.

Triage: nothing needs to be cleared. A red `check_sources` names the source, when its
newest rows came and its limit: nothing was sent, or the loader is behind
(docs/runbooks/loader-behind.md). Apart from `models`, because old data are no fault of
a build: marts, with denials of consent in them, go on being built and published.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, dag, task

from dags.defaults import TASKS, skipped_where_data_lack
from dags.telling import deadline

EVENTS = Asset("clickhouse://raw/events")


@dag(
    schedule="30 * * * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("freshness", timedelta(minutes=25)),
    doc_md=__doc__,
    tags=["warehouse", "hourly"],
)
def freshness() -> None:
    """One task: dbt's freshness of sources."""

    @task(outlets=[EVENTS])
    def check_sources() -> None:
        from warehouse.freshness import require_fresh_at_door

        with skipped_where_data_lack():
            require_fresh_at_door()

    check_sources()


freshness()
