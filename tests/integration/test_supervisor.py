"""The local stack leaves nothing behind, whatever ends it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from questlog.stack.services import Service
from questlog.stack.supervisor import (
    MARK,
    Stack,
    one_at_a_time,
    stop_supervisor,
    supervisor_of,
    sweep,
)
from warehouse.errors import StackFailed, Unavailable
from warehouse.home import Home

# a service that starts a child in a session of its own, as Airflow's do
ESCAPIST = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"],
                 start_new_session=True)
time.sleep(300)
"""
# `questlog` in the command line is how a supervisor is told from a reused process id
SUPERVISOR = """
import os, sys, time
from pathlib import Path
from questlog.stack.services import Service
from questlog.stack.supervisor import MARK, Stack, one_at_a_time
home_folder, escapist = sys.argv[1:]
from warehouse.home import Home
home = Home(Path(home_folder))
with one_at_a_time(home):
    stack = Stack(home, dict(os.environ) | {MARK: str(home.root)})
    command = (sys.executable, "-c", escapist)
    stack.start([Service(name="a", shown_as="A", command=command)])
    print("up", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def a_stack(home: Home) -> Stack:
    return Stack(home, dict(os.environ) | {MARK: str(home.root)})


def a_service(code: str, **changed: object) -> Service:
    command = (sys.executable, "-c", code)
    return Service(
        **{"name": "a", "shown_as": "Service A", "command": command} | changed
    )


def marked(home: Home) -> set[int]:
    mark = f"{MARK}={home.root}".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.add(int(folder.name))
        except OSError:
            continue
    return found


def until(true: object, patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_stopping_ends_what_the_services_started_too(home: Home) -> None:
    stack = a_stack(home)
    stack.start([a_service(ESCAPIST)])
    until(lambda: len(marked(home)) == 2)

    stack.stop()

    assert marked(home) == set()


def test_after_kill_9_of_the_supervisor_down_leaves_nothing(home: Home) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home.root), ESCAPIST],
        stdout=subprocess.PIPE,
    )
    assert supervisor.stdout
    with supervisor.stdout as said:
        assert said.readline() == b"up\n"
    until(lambda: len(marked(home)) == 2)
    assert supervisor_of(home) == supervisor.pid

    supervisor.kill()
    supervisor.wait()

    until(lambda: len(marked(home)) <= 1)  # the kernel told the direct child
    assert stop_supervisor(home)
    assert marked(home) == set()
    assert not stop_supervisor(home)


def test_down_stops_a_living_supervisor(home: Home) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home.root), ESCAPIST],
        stdout=subprocess.PIPE,
    )
    assert supervisor.stdout
    with supervisor.stdout as said:
        said.readline()

    assert stop_supervisor(home)

    assert supervisor.wait(60) == -signal.SIGTERM
    assert marked(home) == set()


def test_a_home_has_one_supervisor(home: Home) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(home.root), ESCAPIST],
        stdout=subprocess.PIPE,
    )
    assert supervisor.stdout
    with supervisor.stdout as said:
        said.readline()

    with (
        pytest.raises(StackFailed, match=f"process {supervisor.pid}.*make down"),
        one_at_a_time(home),
    ):
        pass

    stop_supervisor(home)
    supervisor.wait()


def test_a_taken_port_is_named_with_the_setting_that_moves_it(home: Home) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        service = a_service("", port=port, port_setting="QUESTLOG_INGEST_PORT")

        with pytest.raises(Unavailable, match=f"port {port}.*QUESTLOG_INGEST_PORT"):
            a_stack(home).start([service])

    assert marked(home) == set()


def test_a_service_that_dies_at_the_start_is_named_with_its_last_words(
    home: Home,
) -> None:
    stack = a_stack(home)

    with pytest.raises(StackFailed, match=r"Service A did not start:\nno luck"):
        stack.start(
            [a_service("raise SystemExit('no luck')", ready="http://127.0.0.1:9/")]
        )

    stack.stop()


def test_a_service_that_falls_is_noticed(home: Home) -> None:
    stack = a_stack(home)
    stack.start([a_service("import time; time.sleep(0.6); print('bye')")])
    assert not stack.fallen()

    until(stack.fallen)

    assert stack.fallen() == "a"
    assert stack.why("a") == "bye"
    stack.stop()


def test_a_sweep_of_a_quiet_home_finds_nothing(home: Home) -> None:
    assert sweep(home) == []
