"""Door, loader and engine killed at random under senders that keep a ledger.

Each round kills one of the three, or one of the door's two workers, and beside it cuts
a network, fills the disk or stops the engine for a while. Senders try a batch until it
is answered, forget every tenth answer, and send copies and events that are refused. In
the end each promise is looked for: accepted events in raw.events, refused ones in
raw.refused_events.
`lost` are promises not kept, `doubled` rows that were loaded twice, `unexplained` rows
that no promise and no attempt explains. Bars: 30 rounds, 0 of each.
`ROUNDS=` sets the number of kills, `SEED=` what happens when.
"""

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench._cutter import Cutter
from bench._engine import Engine
from bench._ledger import Sender, compared
from ingestion.keys import add
from ingestion.loader import ledger_of
from ingestion.logs import logs
from ingestion.segments import open_for_reading
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.ports import free_port

_SENDERS: Final = 3
_PATIENCE_S: Final = 120
_BESIDE: Final = ("nothing", "senders_cut", "engine_cut", "disk_full", "engine_stopped")


@dataclass(slots=True)
class _Process:
    """One of the processes under test, that can be killed and started again."""

    words: Sequence[str]
    environment: Mapping[str, str]
    port: int = 0
    running: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        if self.running is None:
            raise RuntimeError("The process does not run.")
        return self.running.pid

    def start(self) -> None:
        self.running = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "questlog", *self.words],
            env=dict(self.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _PATIENCE_S
        while self.port and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz").close()
                return
            time.sleep(0.05)

    def workers(self) -> list[int]:
        """The processes that it started, which go on when it is killed."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def kill(self) -> None:
        if self.running is not None:
            workers = self.workers() if self.running.poll() is None else []
            self.running.kill()
            for worker in workers:
                _kill(worker)
            self.running.wait()


@dataclass(slots=True)
class Stage:
    """All that plays a part."""

    engine: Engine
    door: _Process
    loader: _Process
    to_door: Cutter
    to_engine: Cutter
    key: str
    happened: Counter[str] = field(default_factory=Counter)

    def kill(self, name: str) -> None:
        """Kill one of the three and start it again, or a worker, who is started."""
        self.happened[f"{name}_killed"] += 1
        if name == "worker":
            for worker in self.door.workers()[-1:]:
                _kill(worker)
            return
        victim = {"door": self.door, "loader": self.loader, "engine": self.engine}[name]
        victim.kill()
        victim.start()

    def trouble(self, name: str, seconds: float) -> None:
        """What happens beside a kill; it is over when this returns."""
        self.happened[name] += 1
        if name == "senders_cut":
            self.to_door.cut(seconds)
        elif name == "engine_cut":
            self.to_engine.cut(seconds)
        elif name == "disk_full":
            with ExitStack() as full:
                for process in self.door.workers():
                    full.enter_context(_full_disk(process))
                time.sleep(seconds)
        elif name == "engine_stopped":
            process = self.engine.pid
            os.kill(process, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(process, signal.SIGCONT)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@contextmanager
def _full_disk(process: int) -> Iterator[None]:
    """The kernel refuses what a process writes, as it does when a disk is full."""
    _, most = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (most, most))


def run() -> dict[str, Any]:
    """Round after round, then the ledgers."""
    rounds = int(os.environ.get("ROUNDS", "30"))
    seed = int(os.environ.get("SEED", "7"))
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as stage:
        figures = played(stage, rounds=rounds, seed=seed)
    bars = dict.fromkeys(("lost_most", "doubled_most", "unexplained_most"), 0)
    return {"figures": figures, "compared_with": {"rounds_least": 30} | bars}


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """An engine, a door and a loader of their own, with networks that can be cut."""
    with ExitStack() as held:
        engine = held.enter_context(Engine(folder / "home"))
        port = free_port()
        to_engine = held.enter_context(Cutter(engine.settings.endpoint_port))
        to_door = held.enter_context(Cutter(port))
        environment = engine.environment | {
            "QUESTLOG_INGEST_PORT": str(port),
            "QUESTLOG_LOADER_PORT": str(free_port()),
            "QUESTLOG_INGEST_WORKERS": "2",
        }
        by_network = {
            "CLICKHOUSE_HOST": "127.0.0.1",
            "CLICKHOUSE_PORT": str(to_engine.port),
        }
        door = _Process(("serve", "ingest"), environment, port)
        loader = _Process(("load", "--follow"), environment | by_network)
        path = Home(engine.settings.home).write_keys
        key = add(path, source="chaos", mode="planned", now=datetime.now(UTC))
        for process in (door, loader):
            held.callback(process.kill)
            process.start()
        yield Stage(engine, door, loader, to_door, to_engine, key)


def played(stage: Stage, *, rounds: int, seed: int) -> dict[str, float]:
    """Kill and trouble under senders; what the ledgers say in the end."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    stop = threading.Event()
    senders = [
        Sender(number, stage.to_door.port, stage.key, stop, random.Random(number))  # noqa: S311
        for number in range(1, _SENDERS + 1)
    ]
    threads = [threading.Thread(target=one.run, daemon=True) for one in senders]
    for thread in threads:
        thread.start()
    victims = (["door", "worker", "loader", "engine"] * rounds)[:rounds]
    chance.shuffle(victims)
    for number, victim in enumerate(victims):
        beside = _BESIDE[number % len(_BESIDE)]
        time.sleep(chance.uniform(0.2, 1.5))
        stage.trouble(beside, chance.uniform(0.3, 2.0))
        # some kills fall into the moment in which all wake up again
        time.sleep(chance.choice((0, 0, chance.uniform(0, 0.5))))
        stage.kill(victim)
    stop.set()
    for thread in threads:
        thread.join(_PATIENCE_S)
    for sender in senders:
        if sender.failure is not None:
            raise sender.failure
    _wait_until_loaded(stage)
    return {
        "rounds": rounds,
        "retries": sum(sender.retries for sender in senders),
        **stage.happened,
        **_compared(stage, senders),
    }


def _wait_until_loaded(stage: Stage) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    for folder in logs(Home(stage.engine.settings.home).log).values():
        with contextlib.closing(open_for_reading(folder)) as log:
            while ledger_of(folder).read(log.identity).position < log.end():
                if time.monotonic() > deadline:
                    raise RuntimeError("The loader does not get on.")
                time.sleep(0.2)


def _compared(stage: Stage, senders: Sequence[Sender]) -> dict[str, int]:
    with connect(stage.engine.settings) as client:
        stored = rows(
            client,
            "select toString(event_id) as id, toString(received_at) as at"
            " from raw.events where source = 'chaos'",
        )
        refusals = rows(
            client,
            "select event_id as id, toString(refusal_id) as refusal_id"
            " from raw.refused_events where source = 'chaos'",
        )
    return compared(
        senders,
        stored=[(row["id"], row["at"]) for row in stored],
        refusals=[(row["id"], row["refusal_id"]) for row in refusals],
    )
