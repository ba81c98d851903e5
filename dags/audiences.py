"""Choose every day's audiences and bring them to the ad platforms.

Triage: safe to clear and rerun. `choose` replaces only its date's members; `push`
sends the same members again, which platforms take as no change. What was sent, and
why not, is in ops.audience_receipts. A red `gate` names in its log what is wrong with
the members, and nobody was sent: follow docs/runbooks/gate-closed.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task

from dags.defaults import AS_OF, TASKS
from dags.telling import deadline

MEMBERS = Asset("clickhouse://activation/audience_members")
RECEIPTS = Asset("clickhouse://ops/audience_receipts")


@dag(
    schedule="0 7 * * *",
    start_date=pendulum.datetime(2000, 1, 3, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=TASKS,
    deadline=deadline("audiences", timedelta(hours=3)),
    doc_md=__doc__,
    tags=["activation", "daily"],
)
def audiences() -> None:
    """The members, their gate, then the platforms."""

    @task(outlets=[MEMBERS])
    def choose(as_of: str) -> None:
        from activation.audiences import choose

        choose(as_of)

    @task
    def gate(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("audiences", as_of)

    @task(outlets=[RECEIPTS])
    def push(as_of: str) -> None:
        from activation.audiences import push

        push(as_of)

    chain(choose(AS_OF), gate(AS_OF), push(AS_OF))


audiences()
