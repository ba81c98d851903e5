"""Fixtures that rooms share: the embedded endpoint as a real process."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests import postgres
from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# a busy machine is no failure, and who runs the tests twice gets one answer;
# `--hypothesis-profile=exploring` looks for new examples, a thousand to a test
hypothesis.settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "exploring",
    hypothesis.settings.get_profile("steady"),
    derandomize=False,
    max_examples=1000,
)
hypothesis.settings.load_profile("steady")

_START_SECONDS = 60


def start_process(settings: Settings) -> "subprocess.Popen[bytes]":
    """Start `questlog serve clickhouse` for these settings, without waiting."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "endpoint.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "questlog", "serve", "clickhouse"],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "QUESTLOG_HOME": str(settings.home),
                "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
                "QUESTLOG_ENDPOINT_FSYNC": str(settings.endpoint_fsync).lower(),
                "CLICKHOUSE_HOST": "",
            },
            stdout=log,
            stderr=log,
        )


@contextlib.contextmanager
def running(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """An endpoint that answers, ended by its id."""
    process = start_process(settings)
    try:
        _wait_for_ping(process, settings.endpoint_port, settings.home / "endpoint.log")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)


def _wait_for_ping(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"the endpoint did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def new_settings(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], Settings]:
    """Makes settings with a home and an endpoint port of their own."""

    def make() -> Settings:
        return Settings(
            home=tmp_path_factory.mktemp("questlog_home"),
            endpoint_port=free_port(),
            # no test outlives a loss of power
            endpoint_fsync=False,
        )

    return make


@pytest.fixture(scope="session")
def start_endpoint() -> "Callable[[Settings], subprocess.Popen[bytes]]":
    """Starts an endpoint for settings and does not wait: the caller ends it."""
    return start_process


@pytest.fixture(scope="session")
def run_endpoint() -> (
    "Callable[[Settings], contextlib.AbstractContextManager[subprocess.Popen[bytes]]]"
):
    """Runs an endpoint for settings: `with run_endpoint(settings) as process`."""
    return running


@pytest.fixture(scope="session")
def endpoint(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """Settings of a running endpoint with all migrations applied."""
    settings = new_settings()
    with running(settings):
        with connect(settings) as client:
            migrate(client)
        yield settings


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a real PostgreSQL; tests that need it are skipped without."""
    with postgres.running() as url:
        yield url


@pytest.fixture
def warehouse_client(endpoint: Settings) -> "Iterator[Client]":
    """A client of the running endpoint."""
    with connect(endpoint) as client:
        yield client
