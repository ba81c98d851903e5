"""What a run of dbt leaves in ClickHouse when it is killed, and what comes after it."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.spec.streams import add, load, stream
from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.transformation import build, run_dbt

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
AS_OF = date(2026, 5, 4)


@pytest.fixture(scope="module")
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    """An engine of our own: nothing is built in it at first."""
    own = new_settings()
    with run_endpoint(own):
        with connect(own) as client:
            migrate(client)
        # makes the databases, as the first run of all does
        run_dbt(own, ["run", "--quiet", "--select", "stg_loads_new"])
        yield own


@pytest.fixture
def client(engine: Settings) -> "Iterator[Client]":
    with connect(engine) as connected:
        yield connected


def test_a_whole_build_that_is_killed_is_followed_by_a_whole_one(
    engine: Settings, client: "Client"
) -> None:
    copies = stream(random.Random(5), users=12)  # noqa: S311  no secret
    load(client, copies[::2])
    for layer in ("staging", "marts"):
        build(engine, layer, as_of=AS_OF)
    add(client, copies[1::2])
    # staged and not yet followed by the marts when all is built anew, not to its end
    build(engine, "staging", as_of=AS_OF)
    run_dbt(
        engine,
        ["run", "--quiet", "--full-refresh", "--select", "stg_changes"],
        variables={"as_of": AS_OF.isoformat()},
    )
    for layer in ("staging", "marts"):
        build(engine, layer, as_of=AS_OF)

    expected = len({copy.event_id for copy in copies})
    assert rows(client, "select count() as n from marts_build.fct_events") == [
        {"n": expected}
    ]
