"""Memberships: who was in a set from when to when, and why."""

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from activation.destinations.protocol import Limits
from activation.syncing import sync
from bench._random_runs import Killed
from tests.integration.ledger.reach import Reach
from warehouse.clickhouse import rows


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

    def command(self, statement: str, *given: Any, **named: Any) -> Any:
        """The same, for rows that the engine inserts by itself."""
        is_meant = f"insert into {self.table}\n" in statement
        told = None
        if not is_meant or self.is_late:
            told = self.client.command(statement, *given, **named)
        if is_meant:
            raise Killed
        return told


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
