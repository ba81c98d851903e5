"""Decide every Monday whom to write to, from scores, segments and health.

Triage: safe to clear and rerun: a run replaces only its date's decisions. A skipped
`decide` names what was not made for the day (the DAGs churn, segments, health): clear
it once that is there.
"""

from airflow.sdk import Asset, task

from dags.defaults import AS_OF, skipped_where_data_lack
from dags.weekly import weekly

DECISIONS = Asset("clickhouse://ml/interventions")


@weekly("interventions", schedule="0 9 * * 1", catchup=False, doc=__doc__)
def interventions() -> None:
    """One task: the triggers, with people held out."""

    @task(outlets=[DECISIONS])
    def decide(as_of: str) -> None:
        from ml.interventions import decide

        with skipped_where_data_lack():
            decide(as_of)

    decide(AS_OF)


interventions()
