"""Tell every Monday which newcomers of the week will not come again.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's features and scores. A skipped `train` says what
the data lack. A red `gate_features` names what is wrong in its log: follow
docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

SCORES = Asset("clickhouse://ml/early_churn_scores")


@weekly("early_churn", schedule="0 7 * * 1", catchup=False, doc=__doc__)
def early_churn() -> None:
    """Features, their gate, the model, its scores."""

    @task
    def train(as_of: str) -> str:
        from ml.early_churn import train

        with skipped_where_data_lack():
            return train(as_of)

    @task(outlets=[SCORES])
    def score(model_id: str, as_of: str) -> None:
        from ml.early_churn import score

        with skipped_where_data_lack():
            score(model_id, as_of)

    trained = train(AS_OF)
    chain(prepared_features(AS_OF), trained)
    score(trained, AS_OF)  # type: ignore[arg-type]


early_churn()
