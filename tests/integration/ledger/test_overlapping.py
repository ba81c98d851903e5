"""While a batch is in its call the ledger is kept: what that may never cost."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activation.identifiers import Identifiers, Identity
from activation.leaving import remove_everywhere
from activation.ledger import ADD, Batch, Plan, Shelf
from activation.outbox import Changes, Entry, write_outbox
from activation.preparing import prepared_ahead
from activation.suppressing import suppress
from activation.syncing import sync
from bench._random_runs import Fragile, FragileClient, Killed, Life
from bench._reach import AS_OF, AUDIENCE
from tests.integration.ledger.reach import Reach
from warehouse.clickhouse import rows
from warehouse.errors import DestinationRefused, Unavailable

LONGEST_WAIT_S = 10.0
_STATEMENTS = 9
"""More than the ledger has to do while a batch is in its call."""


def come(reach: Reach, count: int) -> None:
    reach.come(*(f"p{number:02}" for number in range(count)))


def standing(reach: Reach) -> list[str]:
    """How the batches of the latest plan stand, in order."""
    found = rows(
        reach.town.client,
        "select state from activation.batches final"
        " where plan = (select max(plan) from activation.plans) order by batch",
    )
    return [row["state"] for row in found]


def wait_until(is_so: Callable[[], bool], seconds: float = LONGEST_WAIT_S) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def at_call(number: int, act: Callable[[], None]) -> Callable[[str], None]:
    """What acts when members are called about for so many times."""
    calls = iter(range(1, 1_000))

    def called(name: str) -> None:
        if name in {"add", "remove"} and next(calls) == number:
            act()

    return called


def quiet(_: str) -> None:
    """What a call meets when nothing is to happen."""


def test_ahead_of_its_call_a_batch_is_noted_and_none_after_it(reach: Reach) -> None:
    come(reach, 50)
    expected = ["done", "done", "sending", "sending", "planned"]
    seen: list[bool] = []

    def look() -> None:
        seen.append(wait_until(lambda: standing(reach) == expected))
        # long enough for the next one, were it not to wait
        time.sleep(0.3)
        seen.append(standing(reach) == expected)

    reach.there.before = at_call(3, look)
    reach.push()

    assert seen == [True, True]
    assert standing(reach) == ["done"] * 5
    assert reach.is_exact()


def test_a_refusal_leaves_the_answer_before_it_and_no_note_after_it(
    reach: Reach,
) -> None:
    come(reach, 50)

    def refuse() -> None:
        wait_until(lambda: standing(reach)[3] == "sending")
        raise DestinationRefused("No.")

    reach.there.before = at_call(3, refuse)
    with pytest.raises(DestinationRefused, match="No"):
        reach.push()

    assert standing(reach) == ["done", "done", "failed", "dropped", "planned"]
    reach.there.before = quiet
    reach.push()
    assert reach.there.calls == ["add"] * 3
    assert reach.is_exact()


@pytest.mark.parametrize("is_slow", [False, True])
def test_who_withdraws_after_the_note_is_not_sent_and_nowhere_in_the_end(
    reach: Reach, *, is_slow: bool
) -> None:
    come(reach, 20)
    reach.there.is_slow = is_slow

    def withdraw() -> None:
        assert wait_until(lambda: standing(reach)[1] == "sending")
        suppress(reach.town.rim, ["p12"], "erasure")
        reach.town.denies("p13")

    reach.there.before = at_call(1, withdraw)
    told = reach.push()

    reach.there.finish()
    assert told.sent == 18
    assert not reach.of("p12")
    assert not reach.of("p13")
    # the ledger had them noted: it makes sure of them once, and rests
    assert reach.push().removed == 2
    reach.there.finish()
    assert reach.push().removed == 0
    assert len(reach.rows()) == 18
    assert reach.members() == reach.external_ids()
    assert reach.stays("p12") == reach.stays("p13") == []


@pytest.mark.parametrize("is_carried_out", [False, True])
def test_a_death_at_any_step_of_the_ledger_beside_a_call_ends_exact(
    reach: Reach, *, is_carried_out: bool
) -> None:
    come(reach, 40)
    reach.push()
    newcomers = 40

    for steps in range(_STATEMENTS):
        # two batches leave, three come; the push dies in the second of either
        for number in range(newcomers - 40, newcomers - 20):
            reach.town.people[f"p{number:02}"].is_chosen = False
        reach.come(*(f"p{number:02}" for number in range(newcomers, newcomers + 30)))
        newcomers += 20
        die_in_call(reach, 2 + 2 * (steps % 2), steps, is_carried_out=is_carried_out)

        reach.push()

        assert reach.is_exact(), steps
        assert reach.members() == reach.external_ids(), steps
        assert reach.push().sent == 0, steps
        assert reach.there.calls == [], steps


def die_in_call(reach: Reach, call: int, steps: int, *, is_carried_out: bool) -> None:
    """A push that dies in a call, when the ledger has made so many steps beside it."""
    reach.town.write()
    life = Life()
    client = Fragile(reach.town.client, random.Random(0), life=life)  # noqa: S311

    def die() -> None:
        first = client.calls
        wait_until(lambda: client.calls >= first + steps, seconds=1.0)
        life.is_over = True
        raise Killed

    hook = "after" if is_carried_out else "before"
    setattr(reach.there, hook, at_call(call, die))
    fragile: Any = FragileClient(client)
    rim = replace(reach.town.rim, client=fragile)
    with pytest.raises(Killed):
        sync(replace(reach.sender, rim=rim), replace(reach.order, most_leaving=1.0))
    reach.there.before = reach.there.after = quiet


def test_who_is_erased_after_they_were_named_is_neither_sent_nor_written_down(
    reach: Reach,
) -> None:
    come(reach, 40)
    client = reach.town.client

    def erase() -> None:
        remove_everywhere(reach.town.rim, [reach.there], ["p35"], "erasure")
        reach.town.vault.forget("user:p35")
        for table in (
            "activation.outbox",
            "activation.suppressions",
            "marts.dim_people",
        ):
            client.command(
                f"alter table {table} delete where person_id = 'p35'"
                " settings mutations_sync = 2"
            )

    reach.there.before = at_call(1, erase)
    told = reach.push()

    assert told.sent == 39
    assert not reach.of("p35")
    for table in ("activation.sent", "activation.acknowledged", "activation.moves"):
        asked = f"select count() as found from {table} where person_id = 'p35'"
        assert rows(client, asked) == [{"found": 0}]


def test_all_are_named_before_the_plan_is_committed_as_far_as_memory_allows(
    reach: Reach,
) -> None:
    come(reach, 40)
    reach.town.write()
    named: list[str] = []

    def identity_of(one: Identifiers) -> Identity:
        named.append(one.person_id)
        return reach.identity_of(one)

    batches = planned(reach)
    seen = []
    for most_sealed_bytes in (1 << 20, 1):
        named.clear()
        with prepared_ahead(
            reach.town.rim, identity_of, batches, most_sealed_bytes
        ) as coming:
            seen.append(len(named))
            next(coming)
            assert len(list(coming)) == 3
            seen.append(len(named))

    assert seen == [40, 40, 10, 40]


def planned(reach: Reach) -> list[Batch]:
    """The batches of a plan that is nowhere but in the outbox."""
    shelf = Shelf(platform="meta", audience=AUDIENCE, remote_id="set-1")
    entries = [
        Entry(action=ADD, person_id=name, because="entered")
        for name in sorted(reach.town.people)
    ]
    plan = Plan(shelf=shelf, plan=1, as_of=AS_OF)
    return write_outbox(reach.town.rim, plan, Changes(additions=entries), 10)


def test_what_goes_wrong_with_a_batch_comes_in_its_place(reach: Reach) -> None:
    come(reach, 40)

    def identity_of(one: Identifiers) -> Identity:
        if one.person_id == "p25":
            raise Unavailable("The vault does not answer.")
        return reach.identity_of(one)

    reach.town.write()
    with pytest.raises(Unavailable, match="does not answer"):
        sync(replace(reach.sender, identity_of=identity_of), reach.order)

    assert len(reach.rows()) == 20
    assert standing(reach) == ["done", "done", "planned", "planned"]
    assert reach.push().sent == 20
    assert reach.is_exact()


def test_a_death_while_people_are_named_leaves_no_plan(reach: Reach) -> None:
    come(reach, 40)

    die_while_naming(reach, "p25")

    assert rows(reach.town.client, "select * from activation.plans") == []
    assert reach.there.calls == ["make"]
    assert reach.push().sent == 40
    assert reach.is_exact()


def die_while_naming(reach: Reach, person_id: str) -> None:
    """A push that dies before its plan is committed."""
    life = Life()

    def identity_of(one: Identifiers) -> Identity:
        if one.person_id == person_id:
            life.is_over = True
            raise Killed
        return reach.identity_of(one)

    reach.town.write()
    fragile: Any = FragileClient(
        Fragile(reach.town.client, random.Random(0), life=life)  # noqa: S311
    )
    rim = replace(reach.town.rim, client=fragile)
    with pytest.raises(Killed):
        sync(replace(reach.sender, rim=rim, identity_of=identity_of), reach.order)


def test_what_a_plan_that_was_never_committed_left_is_nobodys_by_a_clock_set_back(
    reach: Reach,
) -> None:
    reach.come("ann")
    reach.push()
    reach.town.moment -= timedelta(days=1)
    come(reach, 15)
    die_while_naming(reach, "p03")

    for number in range(10):
        reach.town.people[f"p{number:02}"].is_chosen = False
    reach.town.write()
    told = sync(reach.sender, reach.order)

    assert told.sent == 5
    assert reach.is_exact()
