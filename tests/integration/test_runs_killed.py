"""What a run of dbt leaves in ClickHouse when it is killed, and what comes after it."""

import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.spec.streams import add, load, stream
from warehouse import audit, erasure
from warehouse.clickhouse import connect, define, rows
from warehouse.errors import TransformationFailed, Unavailable
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import build, environment, run_dbt
from warehouse.vault import open_vault
from warehouse.writers import wait_for_writers

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
AS_OF = date(2026, 5, 4)
OF_DBT = (
    '/* {"app": "dbt", "profile_name": "questlog", "node_id": "model.questlog.x"} */'
)
SLOWLY = "settings max_block_size = 1, function_sleep_max_microseconds_per_block = 9e6"


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
        for query_id in writing(connected):
            connected.command(f"kill query where query_id = '{query_id}' sync")


def orphaned(engine: Settings, client: "Client", statement: str) -> str:
    """Send a statement and die: it goes on with nobody to wait for it. Its id."""
    query_id = str(uuid4())
    text = f"{OF_DBT}\n{statement}".encode()
    with socket.create_connection(("127.0.0.1", engine.endpoint_port)) as wire:
        wire.sendall(
            f"POST /?database=staging&query_id={query_id} HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nContent-Length: {len(text)}\r\n\r\n".encode()
            + text
        )
        while query_id not in writing(client):
            time.sleep(0.02)
    return query_id


def writing(client: "Client") -> set[str]:
    """Statements under way that write, by their clients' ids."""
    asked = (
        "select Settings['log_comment'] as id from system.processes"
        " where query_kind != 'Select'"
    )
    return {row["id"] for row in rows(client, asked)}


def test_a_run_begins_when_what_an_earlier_one_still_writes_is_there(
    engine: Settings, client: "Client"
) -> None:
    load(client, [])
    client.command("drop table if exists staging.stg_loads_new")
    orphaned(
        engine,
        client,
        "insert into raw.events (event_id, loaded_at) select generateUUIDv4(),"
        " toDateTime64('2026-06-01 00:00:00', 3, 'UTC') from numbers(20)"
        f" where sleepEachRow(0.25) = 0 {SLOWLY}",
    )
    # a table that is there at its end only, when a run knows already what is there
    orphaned(
        engine,
        client,
        "create or replace table staging.stg_loads_new engine = MergeTree order by ()"
        f" as select number from numbers(20) where sleepEachRow(0.25) = 0 {SLOWLY}",
    )

    run_dbt(engine, ["run", "--quiet", "--select", "stg_loads_new"])

    assert rows(client, "select copies from staging.stg_loads_new") == [{"copies": 20}]


def test_a_run_that_has_waited_long_enough_says_for_what_and_how_to_end_it(
    engine: Settings, client: "Client", capfd: pytest.CaptureFixture[str]
) -> None:
    orphan = orphaned(
        engine,
        client,
        "insert into raw.events (event_id) select generateUUIDv4() from numbers(600)"
        f" where sleepEachRow(0.2) = 0 {SLOWLY}",
    )

    with pytest.raises(TransformationFailed):
        run_dbt(
            engine,
            ["run", "--quiet", "--select", "stg_loads_new"],
            variables={"earlier_statements_wait_s": "1"},
        )
    told = "".join(capfd.readouterr())
    (kill,) = set(re.findall(r"`(KILL QUERY WHERE query_id = '[^`]+')`", told))
    client.command(f"{kill} sync")

    assert "After 1 seconds" in told
    assert f"insert of model.questlog.x (query {orphan}, " in told
    assert writing(client) == set()


def test_a_run_waits_for_nothing_that_begins_when_it_waits(
    engine: Settings, client: "Client"
) -> None:
    slow = (
        "insert into raw.events (event_id) select generateUUIDv4() from numbers(600)"
        f" where sleepEachRow(0.2) = 0 {SLOWLY}"
    )
    earlier = orphaned(engine, client, slow)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "questlog", "dbt"),
            *("run", "--select", "stg_loads_new"),
        ],
        cwd=REPOSITORY,
        env=environment(engine),
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        for line in run.stdout or ():
            if "Waiting for what an earlier run still writes" in line:
                later = orphaned(engine, client, slow)
                client.command(f"kill query where query_id = '{earlier}'")
        assert run.wait() == 0

    left = writing(client)
    client.command(f"kill query where query_id = '{later}' sync")

    assert left == {later}


def test_a_run_ends_when_only_the_command_that_started_it_is_killed(
    engine: Settings, client: "Client"
) -> None:
    orphaned(
        engine,
        client,
        "insert into raw.events (event_id) select generateUUIDv4() from numbers(600)"
        f" where sleepEachRow(0.2) = 0 {SLOWLY}",
    )
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "questlog", "dbt"),
            *("run", "--select", "stg_loads_new"),
        ],
        cwd=REPOSITORY,
        env=environment(engine),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        for line in run.stdout or ():
            if "Waiting for what an earlier run still writes" in line:
                run.kill()
                break

        # what it printed to ends when nobody is left who could write to it
        assert run.communicate(timeout=60)[0] == ""


def test_what_a_killed_run_gathered_aside_is_dropped_when_it_is_old(
    engine: Settings, client: "Client"
) -> None:
    client.command("create database if not exists features_build")
    for name in ("feat_people", "feat_people__dbt_new_data_a_run"):
        client.command(
            f"create or replace table features_build.{name} engine = MergeTree"
            " order by () as select 1 as one"
        )

    def left(hours: str) -> list[str]:
        run_dbt(
            engine,
            ["run", "--quiet", "--select", "stg_loads_new"],
            variables={"left_aside_after_hours": hours},
        )
        tables = "select name from system.tables where database = 'features_build'"
        return sorted(row["name"] for row in rows(client, tables))

    assert left("1") == ["feat_people", "feat_people__dbt_new_data_a_run"]
    assert left("-1") == ["feat_people"]
    define(client, "drop table features_build.feat_people")


def test_what_is_being_written_of_a_person_is_erased_too(
    engine: Settings, client: "Client"
) -> None:
    written_slowly = (
        "insert into raw.events (event_id, user_id) select generateUUIDv4(), 'user_9'"
        f" from numbers({{rows}}) where sleepEachRow(0.2) = 0 {SLOWLY}"
    )
    act = audit.act(by="spec", because="a test", at=datetime.now(UTC))
    load(client, [])
    client.command(written_slowly.format(rows=1))
    orphan = orphaned(engine, client, written_slowly.format(rows=20))

    with open_vault(engine) as vault:
        receipt = erasure.erase(
            client, vault, "user_9", act, leave_audiences=lambda _ids: []
        )

    assert orphan not in writing(client)
    assert receipt.rows_removed["raw.events"] == 21
    assert rows(client, "select user_id from raw.events") == []


def test_an_erasure_that_has_waited_long_enough_says_for_what(
    engine: Settings, client: "Client"
) -> None:
    orphan = orphaned(
        engine,
        client,
        "insert into raw.events (event_id) select generateUUIDv4() from numbers(600)"
        f" where sleepEachRow(0.2) = 0 {SLOWLY}",
    )

    with pytest.raises(Unavailable, match=f"after 0.5 seconds: query {orphan}"):
        wait_for_writers(client, within_s=0.5)


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
