"""Choose every day's audiences and bring each to each ad platform.

Triage: safe to clear and rerun. `choose` replaces only its date's members; a `push`
goes on from the ledger and calls nobody if nothing changed. Clear the mapped one that
is red: each is one audience at one destination. What was sent, and why not, is in the
run's note and in ops.audience_receipts; follow docs/runbooks/audience-not-sent.md.
A red `gate` names in its log what is wrong, and with which audiences: these alone are
kept back, but for who withdrew, and their pushes are red too. Follow
docs/runbooks/gate-closed.md.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import Asset, chain, dag, task, teardown

from dags.defaults import AS_OF, CALLERS, TASKS
from dags.noting import note_run
from dags.telling import deadline

MEMBERS = Asset("clickhouse://activation/audience_members")
RECEIPTS = Asset("clickhouse://ops/audience_receipts")
ONE_PUSH = "{{ task.op_kwargs.audience }} at {{ task.op_kwargs.platform }}"


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

    # whatever the gate says: each push asks it for its own audience, and who says no
    # leaves all the same
    @task(trigger_rule="all_done")
    def targets() -> list[dict[str, str]]:
        from activation.audiences import targets

        return [one.as_words for one in targets()]

    @task(outlets=[RECEIPTS], pool=CALLERS, map_index_template=ONE_PUSH)
    def push(as_of: str, audience: str, platform: str) -> None:
        from activation.audiences import push_judged

        push_judged(as_of, audience=audience, platform=platform)

    # a teardown: that it went well doesn't make a run good whose pushes failed
    @teardown
    def note(as_of: str) -> None:
        from activation.audiences import in_lines

        note_run(in_lines(as_of))

    found = targets()
    pushed = push.partial(as_of=AS_OF).expand_kwargs(found)
    chain(choose(AS_OF), gate(AS_OF), found)
    chain(pushed, note(AS_OF))


audiences()
