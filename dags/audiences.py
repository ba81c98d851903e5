"""Choose every day's audiences and bring each to each ad platform.

Triage: safe to clear and rerun. `choose` replaces only its date's members; a `push`
goes on from the ledger and calls nobody if nothing changed. Clear the mapped one that
is red: each is one audience at one destination. What was sent, and why not, is in the
run's note and in ops.audience_receipts; follow docs/runbooks/audience-not-sent.md.
A red `gate` names in its log what is wrong with the members; only those who withdrew
have left then, and nobody was sent: follow docs/runbooks/gate-closed.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task, teardown

from dags.defaults import AS_OF, CALLERS, TASKS
from dags.noting import note_run
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
    """The members, their gate, each audience at each destination, the note."""

    @task(outlets=[MEMBERS])
    def choose(as_of: str) -> None:
        from activation.audiences import choose

        choose(as_of)

    @task
    def gate(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("audiences", as_of)

    # who says no leaves, whatever else is wrong
    @task(outlets=[RECEIPTS], trigger_rule="one_failed")
    def withdraw(as_of: str) -> None:
        from activation.audiences import withdraw

        withdraw(as_of)

    @task
    def targets() -> list[dict[str, str]]:
        from activation.audiences import targets

        return [one.as_words for one in targets()]

    @task(outlets=[RECEIPTS], pool=CALLERS)
    def push(as_of: str, audience: str, platform: str) -> None:
        from activation.audiences import push

        push(as_of, audience=audience, platform=platform)

    # a teardown: that it went well doesn't make a run good whose pushes failed
    @teardown
    def note(as_of: str) -> None:
        from activation.audiences import in_lines

        note_run(in_lines(as_of))

    judged, found = gate(AS_OF), targets()
    pushed = push.partial(as_of=AS_OF).expand_kwargs(found)
    chain(choose(AS_OF), judged, [found, withdraw(AS_OF)])
    chain(pushed, note(AS_OF))


audiences()
