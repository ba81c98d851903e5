"""Rank every Monday who is like the members of each audience.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's rows. A skipped task says what the data lack. A red
`gate_features` names what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

SCORES = Asset("clickhouse://ml/lookalike_scores")


@weekly("lookalikes", schedule="0 8 * * 1", catchup=False, doc=__doc__)
def lookalikes() -> None:
    """Features, their gate, the ranks."""

    @task(outlets=[SCORES])
    def rank(as_of: str) -> None:
        from ml.lookalikes import score_all

        with skipped_where_data_lack():
            score_all(as_of)

    chain(prepared_features(AS_OF), rank(AS_OF))


lookalikes()
