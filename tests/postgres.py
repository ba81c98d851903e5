"""A PostgreSQL server of the machine's own packages, for as long as a test session."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.ports import free_port

_PACKAGES = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # no test outlives a loss of power
    "fsync": "off",
    "shared_buffers": "16MB",
}


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a fresh server's database; skips where none is installed."""
    programs = sorted(_PACKAGES.glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="questlog-postgres-"))
    try:
        yield from _served(programs[-1].parent, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _served(programs: Path, folder: Path) -> Iterator[str]:
    user = _user(folder)
    data, log = folder / "data", folder / "log"
    port = free_port()
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "questlog", "-A", "trust", "-N"],
        check=True,
        capture_output=True,
        user=user,
        cwd=folder,
    )
    settings = {**_SETTINGS, "port": str(port)}
    words = [word for name, one in settings.items() for word in ("-c", f"{name}={one}")]
    with log.open("wb") as said:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *words],
            stdout=said,
            stderr=said,
            user=user,
            cwd=folder,
        )
    try:
        ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
        for _ in range(100):
            if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
                break
            assert server.poll() is None, log.read_text()
        yield f"postgresql://questlog@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(30)


def _user(folder: Path) -> str | None:
    """Whom to run as: PostgreSQL refuses root, so its package's own user there."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    shutil.chown(folder, "postgres")
    return "postgres"
