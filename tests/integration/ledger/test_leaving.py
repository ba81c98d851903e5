"""Out means out: withdrawals, exchanges, and leaving everything."""

import pytest

from activation.leaving import remove_everywhere
from activation.suppressing import lift, suppress
from tests.integration.ledger.reach import Reach
from warehouse.errors import BadSetting, DestinationRefused, Unavailable


def test_a_withdrawal_leaves_by_what_was_sent_though_the_address_changed(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.town.knows("ann", email="new@example.org")
    reach.town.denies("ann")

    reach.push()

    assert reach.there.calls == ["remove"]
    assert reach.of("ann") == frozenset()
    assert reach.is_exact()


def test_who_withdraws_while_the_batch_before_is_in_its_call_is_not_sent(
    reach: Reach,
) -> None:
    names = [f"p{number:02}" for number in range(35)]
    reach.come(*names)

    def withdraws(call: str) -> None:
        # two in each batch that follows; the next one has been made ready by now
        if call == "add" and reach.there.calls.count("add") == 0:
            suppress(reach.town.rim, ["p12", "p34"], "erasure")
            reach.town.denies("p11")
            reach.town.denies("p23")

    reach.there.before = withdraws
    told = reach.push()

    stayed = set(names) - {"p11", "p12", "p23", "p34"}
    assert told.sent == 31
    assert reach.members() == reach.external_ids()
    assert len(reach.rows()) == len(stayed)
    assert not any(reach.of(name) for name in ("p11", "p12", "p23", "p34"))


def test_whom_a_fault_of_the_platforms_own_kept_in_is_taken_out_until_they_are_out(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.town.denies("ann")
    reach.there.is_slow = True
    reach.there.left_out_may_pass = True
    parts = iter([True, True, True])
    reach.there.loses_rows = lambda: next(parts, False)
    for _ in range(4):
        reach.push()
        reach.there.finish()
    reach.push()

    reach.push()

    assert reach.there.calls == []
    assert reach.is_exact()
    assert reach.members() == reach.external_ids()


def test_the_guard_stops_a_sudden_shrink_and_lets_withdrawals_go(
    reach: Reach,
) -> None:
    names = [f"p{number:03}" for number in range(60)]
    reach.come(*names)
    reach.push()
    for name in names[:40]:
        reach.town.people[name].is_chosen = False
    reach.town.denies("p000")

    stopped = reach.push()
    there = len(reach.rows())
    allowed = reach.push(most_leaving=1.0)

    assert (stopped.held_back, stopped.removed, there) == (39, 1, 59)
    assert (allowed.held_back, allowed.removed) == (0, 39)
    assert reach.is_exact()


def test_who_cannot_be_named_any_more_leaves_by_an_exchange_of_the_set(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.town.vault.forget("user:ann")
    reach.town.people["ann"].email = ""

    reach.push()

    assert reach.there.calls == ["replace"]
    assert reach.is_exact()
    assert reach.push().sent == 0


def test_where_nobody_shall_stay_such_a_set_is_refused_with_what_to_do(
    reach: Reach,
) -> None:
    reach.come("ann")
    reach.push()
    reach.town.vault.forget("user:ann")

    with pytest.raises(DestinationRefused, match="Delete the audience in the account"):
        reach.push()


def test_somebody_leaves_everything_by_every_identity_and_stays_away(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.town.knows("ann", email="new@example.org")
    reach.push()

    left = remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    again = remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    reach.push()

    assert [(one.platform, one.people, one.identities) for one in left] == [
        ("meta", 1, 2)
    ]
    assert again == left
    assert reach.of("ann") == frozenset()
    lift(reach.town.rim, ["ann"], "a mistake")
    reach.push()
    assert reach.of("ann") != frozenset()


def test_who_was_in_a_set_that_somebody_deleted_can_leave_all_the_same(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    first = reach.push()
    reach.there.forget(first.remote_id)
    with pytest.raises(DestinationRefused):
        # nobody has noticed yet: it might be another account that is set
        remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    reach.push()

    left = remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")

    assert [one.remote_id for one in left] == [first.remote_id]
    assert reach.rows() == {reach.of("bob")}


def test_leaving_waits_until_the_platform_has_said_so(reach: Reach) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.there.is_slow = True

    with pytest.raises(Unavailable, match="Not acknowledged yet: best at meta"):
        remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    with pytest.raises(Unavailable):
        remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    reach.there.finish()

    assert remove_everywhere(reach.town.rim, [reach.there], ["ann"], "erasure")
    assert reach.there.calls.count("remove") == 1
    assert reach.of("ann") == frozenset()


def test_leaving_a_platform_without_an_account_is_refused(reach: Reach) -> None:
    reach.come("ann")
    reach.push()

    with pytest.raises(BadSetting, match="sent to meta, of which no account is set"):
        remove_everywhere(reach.town.rim, [], ["ann"], "erasure")
