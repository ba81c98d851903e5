"""Start the services, watch them, and leave nothing behind.

Every child carries QUESTLOG_STACK=<home> in its environment. Stopping ends the
children we know, then sweeps whatever still carries the mark: workers that changed
their session, or leftovers of a supervisor that was killed. A child also gets
SIGTERM from the kernel when its supervisor dies.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from questlog.stack.services import Service
from warehouse.durable import private_folder
from warehouse.errors import StackFailed, Unavailable
from warehouse.home import Home

MARK = "QUESTLOG_STACK"
_READY_SECONDS = 120.0
_GRACE_SECONDS = 8.0
_STAYS_SECONDS = 0.3


@dataclass(slots=True)
class Stack:
    """The running services of one home."""

    home: Home
    environment: dict[str, str]
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)

    def start(self, services: Sequence[Service]) -> None:
        """Start services side by side and return when all of them serve.

        Raises StackFailed naming the service, the reason and its log.
        """
        refuse_taken_ports(services)
        for service in services:
            self.running[service.name] = self._spawn(service)
            self.services.append(service)
        self._record()
        for service in services:
            self._await(service)

    def fallen(self) -> str:
        """The name of a service that ended by itself, or nothing."""
        for name, process in self.running.items():
            if process.poll() is not None:
                return name
        return ""

    def why(self, name: str) -> str:
        """What a service said last."""
        log = self.log_of(name)
        with contextlib.suppress(OSError):
            lines = [line for line in log.read_text().splitlines() if line.strip()]
            return "\n".join(lines[-6:])
        return ""

    def log_of(self, name: str) -> Path:
        """The file a service writes to."""
        return self.home.run / f"{name}.log"

    def stop(self) -> None:
        """End every service and everything they started."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        sweep(self.home)
        for process in self.running.values():
            process.wait()
        self.running.clear()
        _state(self.home).unlink(missing_ok=True)

    def _spawn(self, service: Service) -> "subprocess.Popen[bytes]":
        log = self._open_log(service.name)
        try:
            return subprocess.Popen(  # noqa: S603 -- our own words
                [*_dies_with_us(), *service.command],
                env=self.environment | dict(service.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            log.close()

    def _open_log(self, name: str) -> IO[bytes]:
        private_folder(self.home.run)
        return self.log_of(name).open("wb")

    def _await(self, service: Service) -> None:
        process = self.running[service.name]
        patience = _READY_SECONDS if service.ready else _STAYS_SECONDS
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StackFailed(
                    f"{service.shown_as} did not start:\n{self.why(service.name)}\n"
                    f"Its log: {self.log_of(service.name)}"
                )
            if service.ready and _answers(service.ready):
                return
            time.sleep(0.1)
        if service.ready:
            raise StackFailed(
                f"{service.shown_as} did not answer at {service.ready} within"
                f" {_READY_SECONDS:.0f} s. Its log: {self.log_of(service.name)}"
            )

    def _record(self) -> None:
        _state(self.home).write_text(
            json.dumps(
                {
                    "supervisor": os.getpid(),
                    "services": {
                        service.name: {"page": service.page, "port": service.port}
                        for service in self.services
                    },
                },
                indent=1,
            )
        )


@contextlib.contextmanager
def one_at_a_time(home: Home) -> Iterator[None]:
    """Hold the home for one supervisor, after sweeping what a killed one left.

    Raises StackFailed naming the process that holds it.
    """
    holder = supervisor_of(home)
    if holder:
        raise StackFailed(
            f"The stack of {home.root} is running (process {holder})."
            " Stop it with `make down`."
        )
    private_folder(home.run)
    with (home.run / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackFailed(
                f"The stack of {home.root} is being started by another process."
                " Wait for it, or stop it with `make down`."
            ) from error
        sweep(home)
        _state(home).write_text(json.dumps({"supervisor": os.getpid(), "services": {}}))
        try:
            yield
        finally:
            _state(home).unlink(missing_ok=True)


def supervisor_of(home: Home) -> int:
    """The process id of the home's living supervisor, or 0."""
    try:
        holder = int(json.loads(_state(home).read_text())["supervisor"])
        words = Path(f"/proc/{holder}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return 0
    return holder if b"questlog" in words and holder != os.getpid() else 0


def stop_supervisor(home: Home, patience_s: float = 30) -> bool:
    """Ask the home's supervisor to stop, wait, and sweep. False if none ran."""
    holder = supervisor_of(home)
    if holder:
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while supervisor_of(home) and time.monotonic() < deadline:
            time.sleep(0.1)
    swept = sweep(home)
    _state(home).unlink(missing_ok=True)
    return bool(holder or swept)


def sweep(home: Home) -> list[int]:
    """End every process that carries the home's mark; return their ids."""
    found = _marked(home)
    for number, wait_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        for process in _marked(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        deadline = time.monotonic() + wait_s
        while _marked(home) and time.monotonic() < deadline:
            time.sleep(0.05)
    return found


def refuse_taken_ports(services: Sequence[Service]) -> None:
    """Raise Unavailable naming every port that something else listens on."""
    taken = [service for service in services if service.port and _taken(service.port)]
    if taken:
        raise Unavailable(
            "; ".join(
                f"port {service.port} for the {service.shown_as} is taken"
                f" (set {service.port_setting} to another)"
                for service in taken
            )
        )


def _marked(home: Home) -> list[int]:
    mark = f"{MARK}={home.root}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found.append(int(folder.name))
    return found


def _dies_with_us() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _state(home: Home) -> Path:
    return home.run / "stack.json"


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _answers(address: str) -> bool:
    import socket
    from urllib.parse import urlsplit

    import requests

    at = urlsplit(address)
    if at.scheme == "grpc":
        with contextlib.suppress(OSError):
            socket.create_connection((at.hostname or "", at.port or 0), 2).close()
            return True
        return False
    try:
        return requests.get(address, timeout=2).ok
    except requests.RequestException:
        return False
