"""An embedded endpoint in a home of its own, that can be killed and started again."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Self

from warehouse.clickhouse import connect
from warehouse.errors import Unavailable
from warehouse.migrations import migrate
from warehouse.ports import free_port
from warehouse.settings import Settings, load

_PATIENCE_S = 300


class Engine:
    """The process; `settings` and `environment` lead to it."""

    def __init__(self, home: Path, *, port: int = 0) -> None:
        port = port or free_port()
        self.settings: Settings = replace(
            load(os.environ), home=home, endpoint_port=port, clickhouse_host=""
        )
        self.environment = os.environ | {
            "QUESTLOG_HOME": str(home),
            "QUESTLOG_ENDPOINT_PORT": str(port),
            "CLICKHOUSE_HOST": "",
        }

    def __enter__(self) -> Self:
        try:
            self.start()
            with connect(self.settings) as client:
                migrate(client)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def pid(self) -> int:
        """The id of the process that is running now."""
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers. Raises Unavailable."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        with (self.settings.home / "endpoint.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "questlog", "serve", "clickhouse"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _PATIENCE_S
        ping = f"http://127.0.0.1:{self.settings.endpoint_port}/ping"
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(ping, timeout=5).close()
                return
            time.sleep(0.1)
        raise Unavailable("The engine did not start: see endpoint.log in its home.")

    def kill(self) -> None:
        """End it as a loss of power would."""
        self._process.kill()
        self._process.wait()
