"""Refit the lifetime values every Monday, then value every payer.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's features and values. A red `gate_features` names
what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task

from dags.defaults import AS_OF, TASKS, skipped_where_data_lack
from dags.features import prepared_features
from dags.telling import deadline

VALUES = Asset("clickhouse://ml/lifetime_values")


@dag(
    schedule="0 6 * * 1",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("lifetime_value", timedelta(hours=6)),
    doc_md=__doc__,
    tags=["ml", "weekly"],
)
def lifetime_value() -> None:
    """Features, their gate, the model, its values, and theirs."""

    @task
    def train(as_of: str) -> str:
        from ml.lifetime_value import train

        with skipped_where_data_lack():
            return train(as_of)

    @task(outlets=[VALUES])
    def score(model_id: str, as_of: str) -> None:
        from ml.lifetime_value import score

        score(model_id, as_of)

    @task
    def gate(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("lifetime_value", as_of)

    trained = train(AS_OF)
    chain(prepared_features(AS_OF), trained)
    chain(score(trained, AS_OF), gate(AS_OF))  # type: ignore[arg-type]


lifetime_value()
