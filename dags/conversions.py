"""Tell ad platforms every day who paid, and who paid that had been at risk.

Triage: safe to clear and rerun. What was told is in activation.conversions and is not
told again; platforms count a payment once. A run that is days late loses what Meta no
longer takes (seven days): the result of `tell` says how many, as `too_late`.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, dag, task

from dags.credentials import skipped_where_unset
from dags.defaults import AS_OF, TASKS, skipped_where_data_lack
from dags.telling import deadline

CONVERSIONS = Asset("clickhouse://activation/conversions")


@dag(
    schedule="30 7 * * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("conversions", timedelta(hours=3)),
    doc_md=__doc__,
    tags=["activation", "daily"],
)
def conversions() -> None:
    """What is due, to each platform that is set; none set is no failure."""

    @task(outlets=[CONVERSIONS])
    def tell(as_of: str) -> None:
        from activation.conversions import send

        with skipped_where_unset(), skipped_where_data_lack():
            send(as_of)

    tell(AS_OF)


conversions()
