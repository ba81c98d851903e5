"""Score every player on Mondays; retrain where outcomes or age ask for it.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's features and scores. What `due` returns is why
`train` trained; where it is empty, the model in use goes on. A skipped task says what
the data lack. A red `gate_features` names what is wrong in its log: follow
docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

SCORES = Asset("clickhouse://ml/churn_scores")


@weekly("churn", schedule="0 5 * * 1", catchup=False, doc=__doc__)
def churn() -> None:
    """Features, their gate, the model, its scores, and theirs."""

    @task
    def due(as_of: str) -> str:
        from ml.retraining import due_at_door

        with skipped_where_data_lack():
            return due_at_door("churn", as_of)

    @task
    def train(because: str, as_of: str) -> str:
        from ml.retraining import model_at_door

        with skipped_where_data_lack():
            return model_at_door("churn", as_of, because)

    @task(outlets=[SCORES])
    def score(model_id: str, as_of: str) -> None:
        from ml.churn import score

        score(model_id, as_of)

    @task
    def gate(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("churn", as_of)

    asked = due(AS_OF)
    trained = train(asked, AS_OF)  # type: ignore[arg-type]
    chain(prepared_features(AS_OF), asked)
    chain(score(trained, AS_OF), gate(AS_OF))  # type: ignore[arg-type]


churn()
