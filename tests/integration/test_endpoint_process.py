"""The endpoint as a process: it starts plainly or says why not, and ends at once."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from warehouse.clickhouse import connect
from warehouse.errors import Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    import subprocess

Running = Callable[[Settings], AbstractContextManager["subprocess.Popen[bytes]"]]
Start = Callable[[Settings], "subprocess.Popen[bytes]"]


def told(settings: Settings) -> str:
    return (settings.home / "endpoint.log").read_text()


@contextlib.contextmanager
def in_background(action: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    yield
    thread.join(30)


def test_a_taken_port_is_one_clear_line(
    new_settings: Callable[[], Settings], start_endpoint: Start
) -> None:
    settings = new_settings()
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.endpoint_port))
        other.listen()

        code = start_endpoint(settings).wait(60)

    assert code == 1
    assert told(settings).count("\n") == 1
    assert f"Port {settings.endpoint_port} of 127.0.0.1 is taken" in told(settings)


def test_a_held_directory_names_its_holder(
    new_settings: Callable[[], Settings], run_endpoint: Running, start_endpoint: Start
) -> None:
    first, second = new_settings(), new_settings()
    same_home = Settings(home=first.home, endpoint_port=second.endpoint_port)
    with run_endpoint(first) as holder:
        code = start_endpoint(same_home).wait(60)

    assert code == 1
    assert f"is held by process {holder.pid} (" in told(first)
    assert "serve clickhouse)" in told(first)


def test_a_directory_that_cannot_open_is_said_to_be_so(
    new_settings: Callable[[], Settings], start_endpoint: Start
) -> None:
    settings = new_settings()
    metadata = settings.home / "clickhouse" / "data" / "metadata"
    metadata.mkdir(parents=True)
    (metadata / "broken.sql").write_text("this is no statement")

    code = start_endpoint(settings).wait(60)

    assert code == 1
    assert "cannot open" in told(settings)
    assert "Traceback" not in told(settings)


def test_a_table_that_keeps_a_directory_from_opening_is_named(
    new_settings: Callable[[], Settings], run_endpoint: Running, start_endpoint: Start
) -> None:
    settings = new_settings()
    with run_endpoint(settings), connect(settings) as client:
        client.command("create table torn (a Int64) engine = MergeTree order by a")
    metadata = settings.home / "clickhouse" / "data" / "metadata"
    definition = metadata / "default" / "torn.sql"
    definition.write_text(definition.read_text()[:20])

    code = start_endpoint(settings).wait(60)

    assert code == 1
    assert "the definition of table default.torn cannot be read" in told(settings)
    assert told(settings).splitlines()[-1].endswith("move it away to start empty.")


def test_inserts_wait_for_the_disk_where_nobody_says_otherwise(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> None:
    settings = replace(new_settings(), endpoint_fsync=Settings().endpoint_fsync)
    asked = (
        "select name, value from system.merge_tree_settings where name like 'fsync%'"
    )
    with run_endpoint(settings), connect(settings) as client:
        found = dict(client.query(asked).result_rows)

    assert found == {"fsync_after_insert": "1", "fsync_part_directory": "1"}


def test_after_another_start_of_the_machine_the_next_build_is_whole(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> None:
    settings = new_settings()
    counts = []
    with run_endpoint(settings), connect(settings) as client:
        client.command("create database staging")
        client.command("create table staging.stg_build (built_by String) order by ()")
        client.command("insert into staging.stg_build values ('a run')")
    mark = settings.home / "clickhouse" / "machine_start"
    with run_endpoint(settings), connect(settings) as client:
        counts.append(client.command("select count() from staging.stg_build"))
    mark.write_text("another start")
    for _ in range(2):
        with run_endpoint(settings), connect(settings) as client:
            counts.append(client.command("select count() from staging.stg_build"))

    assert counts == [1, 0, 0]
    assert told(settings).count("The machine was started since") == 1


def test_sigterm_ends_it_within_two_seconds_whatever_runs(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> None:
    settings = new_settings()
    with run_endpoint(settings) as process:

        def run_long() -> None:
            with contextlib.suppress(Exception), connect(settings) as client:
                client.command("select count() from numbers(1000000000000)")

        with in_background(run_long), in_background(run_long):
            _wait_until_running(settings, 2)
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
            took = time.monotonic() - started

    assert code == 0
    assert took < 2.0


def test_what_was_acknowledged_outlives_a_kill(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> None:
    settings = new_settings()
    acknowledged: list[int] = []
    with run_endpoint(settings) as process:
        with connect(settings) as client:
            client.command("create table kept (a Int64) engine = MergeTree order by a")

        def insert() -> None:
            with contextlib.suppress(Exception), connect(settings) as client:
                for number in range(100_000):
                    client.insert("kept", [[number]] * 10, column_names=["a"])
                    acknowledged.append(number)

        with in_background(insert):
            while len(acknowledged) < 5:
                time.sleep(0.01)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(60)
    with run_endpoint(settings), connect(settings) as client:
        counts = client.query("select a, count() from kept group by a order by a")

    kept = dict(counts.result_rows)
    assert acknowledged
    assert set(acknowledged) <= set(kept)
    assert set(kept.values()) == {10}


def test_a_query_whose_client_left_is_stopped(endpoint: Settings) -> None:
    query = b"select count() from numbers(1000000000001)"
    with socket.create_connection(endpoint.clickhouse_address) as left:
        head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(query)}\r\n"
        left.sendall(head.encode() + b"\r\n" + query)
        _wait_until_running(endpoint, 1)

    with connect(endpoint) as client:
        deadline = time.monotonic() + 60
        while _running(client) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _running(client) == 0


def test_an_endpoint_that_is_away_is_said_to_be_so(
    new_settings: Callable[[], Settings],
) -> None:
    with pytest.raises(Unavailable, match="make up"), connect(new_settings()):
        pass


def _running(client: object) -> int:
    found: int = client.command(  # type: ignore[attr-defined]
        "select count() from system.processes where query ilike '%numbers(1000000%'"
        " and query not ilike '%system.processes%'"
    )
    return found


def _wait_until_running(settings: Settings, count: int) -> None:
    with connect(settings) as client:
        deadline = time.monotonic() + 60
        while _running(client) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _running(client) == count
