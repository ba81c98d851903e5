"""Tell every Monday how well people are doing.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's rows. A skipped task says what the data lack. A red
`gate_features` names what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

HEALTH = Asset("clickhouse://ml/health_scores")


@weekly("health", schedule="0 6 * * 1", catchup=False, doc=__doc__)
def health() -> None:
    """Features, their gate, the scores."""

    @task(outlets=[HEALTH])
    def measure(as_of: str) -> None:
        from ml.health import score

        with skipped_where_data_lack():
            score(as_of)

    chain(prepared_features(AS_OF), measure(AS_OF))


health()
