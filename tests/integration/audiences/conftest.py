"""An engine for each file of these tests, and a fresh world for each test."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from activation.standins.serving import running
from tests.integration.audiences.world import TOKEN, World
from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def engine(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], contextlib.AbstractContextManager[object]],
) -> Iterator[Settings]:
    """An engine of our own: these tests write marts by hand."""
    settings = new_settings()
    with run_endpoint(settings):
        with connect(settings) as client:
            migrate(client)
        yield settings


@pytest.fixture
def world(engine: Settings) -> Iterator[World]:
    with running() as address, connect(engine) as client:
        settings = replace(
            engine,
            meta_graph_url=address,
            meta_access_token=TOKEN,
            meta_ad_account_id="act_7",
        )
        world = World(settings, client)
        with contextlib.closing(world.vault):
            yield world
