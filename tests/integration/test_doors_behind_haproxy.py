"""Two doors behind HAProxy: one dies, one is stopped, and nobody's events are lost."""

import random
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench._ledger import Sender, compared
from ingestion.keys import add
from ingestion.segments import open_for_reading
from tests.integration.test_ingestion_serving import (
    ingest,
    wait_until_healthy,
)
from warehouse.home import Home
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY

pytestmark = pytest.mark.skipif(
    not shutil.which("haproxy"), reason="haproxy is not installed"
)


def homes(folder: Path) -> list[Path]:
    """Two homes with logs of their own, and the rest in common, as in compose."""
    shared = folder / "shared"
    for name in ("vault", "secrets"):
        (shared / name).mkdir(parents=True, mode=0o700)
    found = [folder / "one", folder / "two"]
    for home in found:
        home.mkdir(mode=0o700)
        for name in ("vault", "secrets", "write_keys.json"):
            (home / name).symlink_to(shared / name)
    return found


@contextmanager
def haproxy(folder: Path, ports: list[int]) -> Iterator[tuple[int, int]]:
    """HAProxy as it is deployed, before doors at these ports of this machine.

    Its port, and that of its figures.
    """
    port, figures = free_port(), free_port()
    text = (REPOSITORY / "deploy" / "haproxy.cfg").read_text()
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    text = text.replace("bind :8405", f"bind 127.0.0.1:{figures}")
    text = re.sub(r"resolvers docker\n(    .*\n)+", "", text)
    text = text.replace(" resolvers docker init-addr last,libc,none", "")
    for number, door in enumerate(ports, start=1):
        text = text.replace(f"ingest-{number}:18080", f"127.0.0.1:{door}")
    path = folder / "haproxy.cfg"
    path.write_text(text)
    with subprocess.Popen(
        ["haproxy", "-f", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until_healthy(port)
            yield port, figures
        finally:
            process.terminate()


def wait_until_told(figures: int, up: dict[str, int]) -> None:
    """Wait until HAProxy tells which doors it takes for up."""
    wanted = [
        f'haproxy_server_status{{proxy="ingest",server="{server}",state="UP"}} {is_up}'
        for server, is_up in up.items()
    ]
    deadline = time.monotonic() + 60
    told = ""
    while not all(one in told for one in wanted):
        assert time.monotonic() < deadline, f"HAProxy does not tell {up}"
        time.sleep(0.1)
        told = (
            urllib.request.urlopen(f"http://127.0.0.1:{figures}/metrics")
            .read()
            .decode()
        )


def logged(folders: list[Path]) -> list[tuple[str, str, str]]:
    """Kind, id and receipt of each event in some homes' logs."""
    found = []
    for home in folders:
        with closing(open_for_reading(Home(home).log)) as log:
            for record in log.read(0, limit=1_000_000).records:
                found += [
                    (record.kind, row["event_id"], row["received_at"])
                    for row in record.named()
                ]
    return found


def test_one_of_two_doors_dies_and_the_other_is_stopped_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    folders, ports = homes(tmp_path), [free_port(), free_port()]
    shared = tmp_path / "shared" / "write_keys.json"
    key = add(shared, source="web", mode="planned", now=datetime.now(UTC))
    stop = threading.Event()
    with ExitStack() as held:
        doors = []
        for home, port in zip(folders, ports, strict=True):
            doors.append(held.enter_context(ingest(home, port)))
            wait_until_healthy(port)
        front, figures = held.enter_context(haproxy(tmp_path, ports))
        senders = [
            Sender(number, front, key, stop, random.Random(number))  # noqa: S311
            for number in (1, 2)
        ]
        threads = [threading.Thread(target=one.run) for one in senders]
        for thread in threads:
            thread.start()

        time.sleep(1)
        doors[0].kill()
        # Prometheus is told who is away
        wait_until_told(figures, {"ingest-1": 0, "ingest-2": 1})
        held.enter_context(ingest(folders[0], ports[0]))
        wait_until_healthy(ports[0])
        wait_until_told(figures, {"ingest-1": 1, "ingest-2": 1})
        doors[1].send_signal(signal.SIGTERM)
        assert doors[1].wait(60) == 0
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join(60)

    assert [one.failure for one in senders] == [None, None]
    found = logged(folders)
    kept = [(one, at) for kind, one, at in found if kind == "accepted"]
    refused = [one for kind, one, _ in found if kind == "refused"]
    refusals = [(one, str(number)) for number, one in enumerate(refused)]
    for one in senders:
        # HAProxy repeats a request by itself, up to three times (`retries`), also one
        # that the killed door had kept and not answered: its events are there twice
        one.tried.update({event_id: 3 * n for event_id, n in one.tried.items()})
    sums = compared(senders, stored=kept, refusals=refusals)
    assert sums["acknowledged"] > 0
    assert (sums["lost"], sums["doubled"], sums["unexplained"]) == (0, 0, 0)
