"""An engine for each file of these tests, and an empty town for each test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench._reach import Town
from tests.integration.ledger.reach import Reach
from warehouse.clickhouse import connect
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


@pytest.fixture
def reach(client: "Client", vault: Vault) -> Reach:
    town = Town(client, vault)
    town.empty()
    return Reach(town)
