"""Whatever happens, the set ends exact, and then nobody is called."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from activation.destinations.protocol import Limits
from activation.identifiers import Identifiers
from bench._reach import AUDIENCE
from tests.integration.ledger.reach import Reach
from warehouse.clickhouse import rows
from warehouse.errors import Unavailable


def test_the_first_push_brings_all_and_the_second_calls_nobody(reach: Reach) -> None:
    reach.come(*(f"p{number}" for number in range(25)))

    first = reach.push()
    second = reach.push()

    assert reach.is_exact()
    assert (first.sent, first.held) == (25, 25)
    assert (second.sent, second.removed, reach.there.calls) == (0, 0, [])


def test_who_shares_an_address_with_somebody_that_leaves_is_sent_again(
    reach: Reach,
) -> None:
    reach.come("ann", "bob", "cat")
    reach.town.knows("bob", email="ann@example.com")
    reach.push()
    reach.town.people["ann"].is_chosen = False

    told = reach.push()

    assert reach.there.calls == ["remove", "add"]
    assert (told.removed, told.sent) == (1, 1)
    assert reach.is_exact()


@pytest.mark.parametrize("name", ["add", "remove", "make"])
def test_an_answer_that_is_lost_is_a_doubt_and_the_set_ends_exact(
    reach: Reach, name: str
) -> None:
    reach.come("ann", "bob")
    if name == "remove":
        reach.push()
        reach.town.people["ann"].is_chosen = False

    reach.there.after = failing(name)
    with pytest.raises(Unavailable):
        reach.push()
    # who was to leave is wanted again, and nobody knows whether they left
    reach.town.people["ann"].is_chosen = True
    reach.there.after = lambda _: None

    reach.push()

    assert reach.is_exact()
    assert len(reach.there.sets) == 1
    assert reach.push().sent == 0


def test_a_set_that_somebody_deleted_is_made_and_filled_anew(reach: Reach) -> None:
    reach.come("ann", "bob")
    first = reach.push()
    reach.there.forget(first.remote_id)

    second = reach.push()

    assert second.was_made_anew
    assert reach.is_exact()


def failing(name: str) -> Callable[[str], None]:
    """Calls of this name go wrong."""

    def fail(called: str) -> None:
        if called == name:
            raise Unavailable("An error page.")

    return fail


def strangers_in(reach: Reach, remote_id: str) -> None:
    """Somebody made a set of the audience's name, and filled it."""
    reach.there.names[remote_id] = AUDIENCE
    reach.there.sets[remote_id] = {frozenset({("EMAIL", "of-a-stranger")}): None}


def test_of_a_set_that_somebody_else_filled_nobody_is_left(reach: Reach) -> None:
    reach.come("ann", "bob")
    first = reach.push()
    reach.there.forget(first.remote_id)
    strangers_in(reach, "of somebody else")

    second = reach.push()
    third = reach.push()

    assert (second.is_strange, second.was_made_anew, second.sent) == (True, True, 2)
    assert reach.is_exact()
    assert (third.is_strange, reach.there.calls) == (False, [])
    assert reach.members() == reach.external_ids()


def test_who_withdraws_as_a_set_is_exchanged_is_not_sent(reach: Reach) -> None:
    strangers_in(reach, "of somebody else")
    reach.come("ann", "bob")
    reach.there.before = lambda _: reach.town.denies("ann")

    reach.push()

    assert reach.is_exact()
    assert reach.members() == reach.external_ids()


@pytest.mark.parametrize("what", ["closed gate", "nobody"])
def test_a_set_is_not_made_anew_of_nobody_nor_while_its_gate_is_closed(
    reach: Reach, what: str
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.come("cat")
    if what == "nobody":
        for one in reach.town.people.values():
            one.is_chosen = False

    reach.push(exchanges_all=True, only_withdrawals=what == "closed gate")

    assert "replace" not in reach.there.calls
    assert len(reach.rows()) == (2 if what == "closed gate" else 0)


def test_an_exchange_that_came_to_nothing_is_made_again(reach: Reach) -> None:
    strangers_in(reach, "of somebody else")
    reach.come("ann", "bob")
    reach.there.before = failing("replace")
    with pytest.raises(Unavailable):
        reach.push()
    reach.there.before = lambda _: None

    reach.push()

    assert reach.there.calls == ["replace"]
    assert reach.is_exact()


def test_a_set_of_strangers_stays_while_nobody_shall_be_in_it(reach: Reach) -> None:
    strangers_in(reach, "of somebody else")

    told = reach.push()
    reach.come("ann")
    reach.push()

    assert told.is_strange
    assert reach.is_exact()


def test_a_set_is_made_anew_when_that_is_asked_for(reach: Reach) -> None:
    reach.come("ann", "bob")
    reach.push()
    (held,) = reach.there.sets.values()
    held[frozenset({("EMAIL", "of-who-came-after-the-backup")})] = None

    told = reach.push(exchanges_all=True)

    assert (told.sent, reach.there.calls) == (2, ["replace"])
    assert reach.is_exact()
    assert reach.push().sent == 0


def test_who_has_been_in_for_long_is_sent_again_before_the_platform_forgets(
    reach: Reach,
) -> None:
    reach.there.limits = Limits(members_a_batch=10, refresh_after=timedelta(days=80))
    reach.come("ann")
    reach.push()
    reach.come("bob")
    reach.town.moment += timedelta(days=79)
    reach.push()
    reach.town.moment += timedelta(days=2)

    told = reach.push()

    assert told.sent == 1
    assert reach.push().sent == 0


def test_a_platform_that_works_later_in_its_own_order_ends_exact(
    reach: Reach,
) -> None:
    reach.there.is_slow = True
    reach.come("ann", "bob", "cat")
    reach.push()
    reach.town.people["ann"].is_chosen = False
    reach.town.knows("bob", email="new@example.org")
    # the additions are still open: who leaves is removed now and once more later
    early = reach.push()
    reach.there.finish(last_first=True)
    reach.push()
    reach.there.finish(last_first=True)
    reach.push()
    reach.there.finish(last_first=True)

    last = reach.push()

    assert early.removed == 2
    assert (last.sent, last.removed) == (0, 0)
    assert reach.is_exact()


def test_of_a_batch_done_in_part_whom_the_platform_refuses_is_found(
    reach: Reach,
) -> None:
    reach.there.is_slow = True
    reach.come(*(f"p{number}" for number in range(8)))
    bad = reach.identity_of(Identifiers("p5"))["EXTERN_ID"].hex
    parts = iter([True, True, False, True, False, True, False])
    for _ in range(9):
        reach.there.loses_rows = lambda: next(parts, False)
        reach.push()
        reach.there.finish()

    refused = rows(
        reach.town.client,
        "select person_id from activation.acknowledged final where action = 'refuse'",
    )

    assert bad
    assert len(refused) <= 1
    assert len(reach.rows()) >= 7
    assert reach.push().sent == 0


def test_whom_a_platform_left_out_by_a_fault_of_its_own_is_sent_again(
    reach: Reach,
) -> None:
    reach.there.is_slow = True
    reach.there.left_out_may_pass = True
    parts = iter([True, True])
    reach.there.loses_rows = lambda: next(parts, False)
    reach.come("ann")
    for _ in range(3):
        reach.push()
        reach.there.finish()

    last = reach.push()

    assert last.sent == 0
    assert reach.is_exact()
    assert reach.members() == reach.external_ids()


def test_a_clock_that_is_set_back_amid_a_push_makes_nothing_forgotten(
    reach: Reach,
) -> None:
    reach.there.is_slow = True
    reach.come("ann", "bob")
    reach.push()
    reach.there.finish()
    reach.push()
    reach.town.people["bob"].is_chosen = False
    # the plan is written by the clock as it was, the removal and its answer after
    reach.there.before = lambda _: setattr(reach.town, "behind", timedelta(minutes=5))
    reach.push()
    reach.town.behind = timedelta()

    waiting = reach.push()

    reach.there.finish()
    reach.push()
    assert (waiting.waiting, waiting.removed) == (0, 0)
    assert reach.is_exact()


def test_a_refused_member_is_not_sent_again_until_something_changes(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    ann = reach.identity_of(Identifiers("ann", email="ann@example.com"))["EMAIL"].hex
    reach.there.refuses = lambda row: "INVALID" if ("EMAIL", ann) in row else ""

    first = reach.push()
    second = reach.push()
    reach.town.knows("ann", email="new@example.org")
    third = reach.push()

    assert first.reasons == {"INVALID": 1}
    assert (second.sent, third.sent) == (0, 1)
    assert reach.is_exact()


@pytest.mark.parametrize("is_slow", [False, True])
def test_whom_a_platform_refuses_was_never_in_while_the_others_are(
    reach: Reach, *, is_slow: bool
) -> None:
    reach.come("ann", "bob", "cat")
    bob = reach.identity_of(Identifiers("bob", email="bob@example.com"))["EMAIL"].hex
    reach.there.refuses = lambda row: "INVALID" if ("EMAIL", bob) in row else ""
    reach.there.is_slow = is_slow

    first = reach.push()
    reach.there.finish()
    second = reach.push()

    assert first.reasons == {"INVALID": 1}
    assert (second.sent, reach.there.calls) == (0, [])
    assert reach.stays("bob") == []
    assert reach.members() == reach.external_ids()
    assert len(reach.rows()) == 2


def test_nothing_readable_is_in_the_ledger(reach: Reach) -> None:
    reach.come("ann")
    reach.push()

    held = b"".join(
        reach.town.client.raw_query(f"select * from activation.{name} format TSV")
        for name in ("sent", "acknowledged", "outbox", "desired", "moves")
    )

    digest = reach.identity_of(Identifiers("ann", email="ann@example.com"))["EMAIL"].hex
    assert b"ann" in held
    assert b"example" not in held
    assert digest.encode() not in held
    assert bytes.fromhex(digest) not in held
