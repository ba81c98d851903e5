"""Find the segments of people every Monday.

Triage: safe to clear and rerun. A run reads only what was known before its `as_of`
date and replaces only that date's rows. A skipped task says what the data lack. A red
`gate_features` names what is wrong in its log: follow docs/runbooks/gate-closed.md.
"""

from airflow.sdk import Asset, chain, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.features import prepared_features
from dags.weekly import weekly

SEGMENTS = Asset("clickhouse://ml/segments")


@weekly("segments", schedule="0 6 * * 1", catchup=False, doc=__doc__)
def segments() -> None:
    """Features, their gate, the segments."""

    @task(outlets=[SEGMENTS])
    def find(as_of: str) -> None:
        from ml.segments import run

        with skipped_where_data_lack():
            run(as_of)

    chain(prepared_features(AS_OF), find(AS_OF))


segments()
