"""Refit the lifetime values every Monday, then value every payer.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's features and values. A red `gate_features` names
what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

VALUES = Asset("clickhouse://ml/lifetime_values")


@weekly("lifetime_value", schedule="0 6 * * 1", catchup=False, doc=__doc__)
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
