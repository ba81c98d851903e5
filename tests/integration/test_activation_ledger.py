"""The ledger: whatever happens, the set ends exact, and then nobody is called."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.destinations.kinds import identity_for
from activation.destinations.protocol import Limits
from activation.identifiers import Identifiers, Identity
from activation.leaving import remove_everywhere
from activation.sending import Sender
from activation.standins.memory import InMemory, Row
from activation.suppressing import lift, suppress
from activation.syncing import Order, Synced, sync
from activation.wanting import Wants
from bench._random_runs import Killed, Runs
from bench._reach import AS_OF, AUDIENCE, Town
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.vault import Vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@pytest.fixture(scope="module")
def client(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[object]],
) -> Iterator["Client"]:
    made = new_settings()
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        yield client


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.open(tmp_path / "vault" / "vault.sqlite", b"k" * 32) as vault:
        yield vault


@dataclass
class Reach:
    """A town, a destination in memory, and a push between them."""

    town: Town
    there: InMemory = field(default_factory=InMemory)
    order: Order = field(
        default_factory=lambda: Order(
            audience=AUDIENCE,
            meaning="Best.",
            as_of=AS_OF,
            wants=Wants(chosen_on=AS_OF),
        )
    )

    def identity_of(self, one: Identifiers) -> Identity:
        return identity_for("meta", one, self.town.rim.external_key)

    @property
    def sender(self) -> Sender:
        return Sender(
            rim=self.town.rim, destination=self.there, identity_of=self.identity_of
        )

    def push(self, **changed: Any) -> Synced:
        self.town.write()
        self.town.moment += timedelta(hours=1)
        self.there.calls.clear()
        return sync(self.sender, replace(self.order, **changed))

    def come(self, *names: str) -> None:
        for name in names:
            self.town.knows(name, email=f"{name}@example.com")
            self.town.people[name].is_chosen = True

    def rows(self) -> set[Row]:
        return {row for one in self.there.sets.values() for row in one}

    def is_exact(self) -> bool:
        return self.rows() == self.town.expected(self.identity_of)

    def stays(self, name: str) -> list[tuple[str, str, bool]]:
        """Why somebody entered and left, stay by stay, and whether they are in."""
        found = rows(
            self.town.client,
            "select entered_because, left_because, isNull(left_at) as is_in"
            " from activation.memberships where person_id = {name:String}"
            " order by entered_at",
            {"name": name},
        )
        return [
            (row["entered_because"], row["left_because"], bool(row["is_in"]))
            for row in found
        ]

    def members(self) -> list[str]:
        """The external ids of those who are in, as memberships tell."""
        found = rows(
            self.town.client,
            "select person_id from activation.memberships where left_at is null",
        )
        named = (Identifiers(row["person_id"]) for row in found)
        return sorted(self.identity_of(one)["EXTERN_ID"].hex for one in named)

    def external_ids(self) -> list[str]:
        """Of everybody who is there."""
        pairs = (pair for row in self.rows() for pair in row)
        return sorted(told for kind, told in pairs if kind == "EXTERN_ID")

    def of(self, name: str) -> Row:
        """What is there of somebody by their external id."""
        key = self.identity_of(Identifiers(name))["EXTERN_ID"].hex
        return frozenset(
            pair for row in self.rows() for pair in row if ("EXTERN_ID", key) in row
        )


@pytest.fixture
def reach(client: "Client", vault: Vault) -> Reach:
    town = Town(client, vault)
    town.empty()
    return Reach(town)


def test_the_first_push_brings_all_and_the_second_calls_nobody(reach: Reach) -> None:
    reach.come(*(f"p{number}" for number in range(25)))

    first = reach.push()
    second = reach.push()

    assert reach.is_exact()
    assert (first.sent, first.held) == (25, 25)
    assert (second.sent, second.removed, reach.there.calls) == (0, 0, [])


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


@pytest.mark.parametrize("name", ["add", "remove", "make"])
def test_an_answer_that_is_lost_is_a_doubt_and_the_set_ends_exact(
    reach: Reach, name: str
) -> None:
    reach.come("ann", "bob")
    if name == "remove":
        reach.push()
        reach.town.people["ann"].is_chosen = False

    def fail(called: str) -> None:
        if called == name:
            raise Unavailable("The answer was lost.")

    reach.there.after = fail
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


def test_who_enters_leaves_and_comes_again_has_two_stays(reach: Reach) -> None:
    reach.come("ann", "bob")
    before = reach.town.moment
    reach.push()
    reach.town.people["ann"].is_chosen = False
    reach.push()
    reach.town.people["ann"].is_chosen = True
    reach.push()
    reach.town.denies("ann")
    reach.push()

    moments = rows(
        reach.town.client,
        "select arraySort(arrayFlatten(groupArray([entered_at, left_at]))) as all"
        " from activation.memberships where person_id = 'ann'",
    )[0]["all"]

    assert reach.stays("ann") == [
        ("entered", "left", False),
        ("entered", "withdrew", False),
    ]
    assert reach.stays("bob") == [("entered", "", True)]
    assert len(set(moments)) == 4
    assert all(
        timedelta(hours=n) < one.replace(tzinfo=UTC) - before < timedelta(hours=n + 1)
        for n, one in enumerate(moments, start=1)
    )


def test_to_be_sent_again_is_no_new_stay(reach: Reach) -> None:
    reach.there.limits = Limits(members_a_batch=10, refresh_after=timedelta(days=80))
    reach.come("ann", "bob")
    reach.town.knows("bob", email="ann@example.com")
    reach.push()
    # ann is sent again for bob, who leaves by her address, and then for her age
    reach.town.people["bob"].is_chosen = False
    assert reach.push().sent == 1
    reach.town.moment += timedelta(days=81)
    assert reach.push().sent == 1

    assert reach.stays("ann") == [("entered", "", True)]


def test_a_changed_identifier_ends_a_stay_and_begins_another(reach: Reach) -> None:
    reach.come("ann")
    reach.push()
    reach.town.knows("ann", email="new@example.org")
    reach.push()

    assert reach.stays("ann") == [("entered", "changed", False), ("changed", "", True)]


def test_an_exchange_ends_the_stay_of_who_left_and_of_nobody_else(
    reach: Reach,
) -> None:
    reach.come("ann", "bob")
    reach.push()
    reach.town.vault.forget("user:ann")
    reach.town.people["ann"].email = ""
    reach.push()

    assert reach.there.calls == ["replace"]
    assert reach.stays("ann") == [("entered", "emptied", False)]
    assert reach.stays("bob") == [("entered", "", True)]


def test_who_was_in_a_set_that_somebody_deleted_is_in_it_no_more(reach: Reach) -> None:
    reach.come("ann", "bob")
    first = reach.push()
    reach.there.forget(first.remote_id)
    reach.town.people["bob"].is_chosen = False
    reach.push()

    assert reach.stays("ann") == [("entered", "gone", False), ("entered", "", True)]
    assert reach.stays("bob") == [("entered", "gone", False)]


@dataclass
class Dying:
    """A client of the warehouse that dies before or after an insert into a table."""

    client: Any
    table: str
    is_late: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def insert(self, table: str, *given: Any, **named: Any) -> None:
        """As of the client, but for the one table."""
        if table != self.table or self.is_late:
            self.client.insert(table, *given, **named)
        if table == self.table:
            raise Killed


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("table", ["activation.moves", "activation.acknowledged"])
def test_a_crash_amid_an_answer_makes_no_stay_and_ends_none(
    reach: Reach, table: str, *, is_late: bool
) -> None:
    reach.come("ann", "bob")

    def dies() -> None:
        reach.town.write()
        dying: Any = Dying(reach.town.client, table, is_late)
        rim = replace(reach.town.rim, client=dying)
        with pytest.raises(Killed):
            sync(replace(reach.sender, rim=rim), reach.order)

    dies()
    reach.push()
    reach.town.people["ann"].is_chosen = False
    dies()
    reach.push()

    assert [len(reach.stays(name)) for name in ("ann", "bob")] == [1, 1]
    assert reach.members() == reach.external_ids()
    assert reach.stays("ann")[0][1:] == ("left", False)


@dataclass
class Memory:
    """The destination in memory, as the random runs see a platform."""

    reach: Reach
    chance: random.Random

    @property
    def destination(self) -> InMemory:
        return self.reach.there

    def identity_of(self, one: Identifiers) -> Identity:
        return self.reach.identity_of(one)

    def rows(self) -> set[Row]:
        return self.reach.rows()

    def disturb(self, chance: random.Random) -> None:
        self.reach.there.is_slow = chance.random() < 0.5
        self.reach.there.loses_rows = lambda: chance.random() < 0.1
        self.reach.there.before = self.reach.there.after = self._maybe_fails

    def calm(self) -> None:
        there = self.reach.there
        there.before = there.after = lambda _: None
        there.is_slow = False
        there.loses_rows = lambda: False
        there.finish(last_first=self.chance.random() < 0.5)

    def delete(self) -> None:
        for remote_id in list(self.reach.there.sets):
            self.reach.there.forget(remote_id)

    def _maybe_fails(self, _: str) -> None:
        if self.chance.random() < 0.1:
            raise Unavailable("An error page.")


@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_amid_faults_and_deaths_every_push_in_peace_ends_exact(
    client: "Client", tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    assert_exact_amid_faults(client, tmp_path_factory, seed)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_amid_many_more_faults_and_deaths_every_push_in_peace_ends_exact(
    client: "Client", tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    assert_exact_amid_faults(client, tmp_path_factory, seed)


def assert_exact_amid_faults(
    client: "Client", tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    path = tmp_path_factory.mktemp("runs") / "vault" / "vault.sqlite"
    with Vault.open(path, b"k" * 32) as vault:
        town = Town(client, vault)
        town.empty()
        reach = Reach(town)
        runs = Runs(town, Memory(reach, chance), chance)

        for _ in range(3):
            runs.run()
        members, there = reach.members(), reach.external_ids()

    tally = runs.tally
    assert members == there
    assert (tally.set_mismatches, tally.unsettled, tally.restless) == (0, 0, 0)


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
