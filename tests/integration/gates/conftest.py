"""An engine for each file of these tests, and sound tables for each test."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.gates.warehouse import (
    RunEndpoint,
    made_sound,
    warehouse_of_gates,
)
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> Iterator[Settings]:
    with warehouse_of_gates(new_settings(), run_endpoint) as made:
        yield made


@pytest.fixture
def sound(settings: Settings) -> "Iterator[Client]":
    with made_sound(settings) as client:
        yield client
