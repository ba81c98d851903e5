"""Erase again, every day, whomever older data brought back; let expired bytes go.

Triage: safe to clear and rerun. Nobody is erased whom `questlog erase` had not erased
before. A red `erase_again` says what is away, or which table still names somebody
(docs/runbooks/erasure.md); the next run goes on with it. `empty_expired_bytes` is about
refused events: ClickHouse empties them too, but only when it merges.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, dag, task

from dags.defaults import TASKS
from dags.telling import deadline

ERASURES = Asset("clickhouse://ops/erasures")
REFUSED = Asset("clickhouse://raw/refused_events")
AT = "{{ dag_run.run_after.isoformat() }}"


@dag(
    schedule="45 3 * * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("erasures", timedelta(hours=2)),
    doc_md=__doc__,
    tags=["privacy", "daily"],
)
def erasures() -> None:
    """Two tasks: people brought back, and bytes whose time is over."""

    @task(outlets=[ERASURES])
    def erase_again(at: str) -> int:
        from activation.erasing import erase_again_at_door

        return erase_again_at_door(at)

    @task(outlets=[REFUSED])
    def empty_expired_bytes(at: str) -> int:
        from ingestion.refused import expire_at_door

        return expire_at_door(at)

    erase_again(AT)
    empty_expired_bytes(AT)


erasures()
