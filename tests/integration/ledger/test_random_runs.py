"""Amid faults and deaths at random, every push in peace ends exact."""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.identifiers import Identifiers, Identity
from activation.standins.memory import InMemory, Row
from bench._random_runs import Runs
from bench._reach import Town
from tests.integration.ledger.reach import Reach
from warehouse.errors import Unavailable
from warehouse.vault import Vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


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
        self.reach.there.left_out_may_pass = True
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
