"""The door under load: events from a socket, durable, judged and in ClickHouse.

Sender, door, loader and engine share this machine. Events of about 650 B in batches
of 100, all planned, each judged and fsynced before its answer; at the end every id
is looked for. `events_per_second` counts until the last event is in ClickHouse.
Bars for two cores left alone: 60,000 events a second; at RATE= (10,000) `ack_p95_ms`
20 and `queryable_p95_ms` 1,000; 5,000 requests of one event a second; 0 lost and 0
doubled.
In a fresh home events are then brought up to 1 and to STORED= (20) million, and each
time five floods of five seconds follow, of which the median counts, for one merge of
large parts costs as much as a flood: `cpu_us_engine_at_…` has to stay within a fifth
(`growth_most`).
Limits in the same run: the same HTTP server that only decodes, and the same rows
straight into the engine as JSONEachRow. SECONDS= (60) sets the length of each phase,
WORKERS= how many processes the door has (as many as there are cores).
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING, Any, Final

from bench._engine import Engine
from bench._sender import Load
from bench._stages import (
    cpu_s,
    cpu_us,
    engine_alone,
    stages_of_the_door,
    started,
)
from bench._stream import Stream, bring, rest
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.ports import free_port

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PATIENCE_S: Final = 600
_LOOK_EVERY_S: Final = 0.05
_BROUGHT_AT_ONCE: Final = 1_000_000
_FLOODS: Final = 5
_COMPARED: Final = """
    select count() as there, uniqExact(event_id) as different from raw.events
"""

Sent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Door:
    """Where events go; `processes` are ids by name."""

    port: int
    key: str
    processes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Sending:
    process: "subprocess.Popen[bytes]"
    said: IO[bytes]

    def outcome(self) -> Sent:
        """What the sender says once it is done."""
        if self.process.wait(_PATIENCE_S):
            raise RuntimeError("The sender failed.")
        self.said.seek(0)
        sent: Sent = json.load(self.said)
        return sent


def run() -> dict[str, Any]:
    """Three phases and two limits."""
    seconds = float(os.environ.get("SECONDS", "60"))
    rate = int(os.environ.get("RATE", "10000"))
    flood = Load(phase=1, seconds=seconds, batch=100, connections=16)
    paced = Load(phase=2, seconds=seconds, batch=100, connections=32, rate=rate)
    single = Load(phase=3, seconds=min(seconds, 20), batch=1, connections=64)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Engine(folder / "home") as it:
            with served(it) as door:
                figures = _flooded(it, door, flood) | _paced(it, door, paced)
                sent = _sent(door, single)
                figures["single_requests_per_second"] = _per_second(sent, "requests")
                figures["failed_requests"] += sent["failed"]
                figures["failed_requests"] += figures.pop("paced_failed")
                figures["events"] += sent["events"] + figures.pop("paced_events")
                wait_until_loaded(it, int(figures["events"]))
                figures |= compared_in(it, int(figures["events"]))
            limits = engine_alone(it.settings, process=it.pid)
        limits |= _bare(min(seconds, 10))
        figures |= _grown(folder / "grown", min(seconds, 5))
        figures |= stages_of_the_door(folder / "stages")
    bars = {
        "events_per_second_least": 60_000,
        "ack_p95_ms_most": 20,
        "queryable_p95_ms_most": 1_000,
        "single_requests_per_second_least": 5_000,
        "lost_most": 0,
        "doubled_most": 0,
        "growth_most": 1.2,
    }
    return {
        "figures": {"door_workers": workers()} | figures,
        "compared_with": bars | limits,
    }


def workers() -> int:
    """How many workers the door has: as many as there are cores, or `WORKERS=`."""
    return int(os.environ.get("WORKERS", "0")) or os.cpu_count() or 1


@contextmanager
def served(engine: Engine) -> Iterator[_Door]:
    """The door and the loader as processes of their own."""
    from ingestion.keys import add

    home = Home(engine.settings.home)
    key = add(home.write_keys, source="bench", mode="planned", now=datetime.now(UTC))
    port = free_port()
    environment = engine.environment | {
        "QUESTLOG_INGEST_PORT": str(port),
        "QUESTLOG_LOADER_PORT": str(free_port()),
        "QUESTLOG_INGEST_WORKERS": str(workers()),
    }
    with (
        started(
            ["-m", "questlog", "serve", "ingest"], environment=environment, port=port
        ) as door,
        started(
            ["-m", "questlog", "load", "--follow"], environment=environment
        ) as loader,
    ):
        yield _Door(port, key, {"door": door, "loader": loader, "engine": engine.pid})


@contextmanager
def sending(door: _Door, load: Load) -> Iterator[_Sending]:
    """A sender under way, in a process of its own."""
    with tempfile.TemporaryFile() as said:
        command = [*(sys.executable, "-m", "bench._sender"), str(door.port), door.key]
        with subprocess.Popen(  # noqa: S603 - our own words
            [*command, json.dumps(asdict(load))], stdout=said
        ) as process:
            yield _Sending(process, said)


def _sent(door: _Door, load: Load) -> Sent:
    with sending(door, load) as under_way:
        return under_way.outcome()


def _flooded(engine: Engine, door: _Door, load: Load) -> dict[str, float]:
    """As many as go through, and what an event costs each process."""
    before = {name: cpu_s(pid) for name, pid in door.processes.items()}
    with connect(engine.settings) as client:
        there = _there(client)
    sent = _sent(door, load)
    wait_until_loaded(engine, there + sent["events"])
    took = time.time() - sent["began"]
    used = {name: cpu_s(pid) - before[name] for name, pid in door.processes.items()}
    used["sender"] = sent["cpu_s"]
    events = max(1, sent["events"])
    return {
        "events": sent["events"],
        "failed_requests": sent["failed"],
        "event_bytes": round(sent["body_bytes"] / events),
        "events_per_second": round(sent["events"] / took),
        "acknowledged_per_second": _per_second(sent, "events"),
        **{f"cpu_us_{name}": cpu_us(s, events) for name, s in used.items()},
        "cpu_us_event": cpu_us(sum(used.values()), events),
    }


def _grown(home: Path, seconds: float) -> dict[str, float]:
    """What an event costs with few and with many there already."""
    many = int(os.environ.get("STORED", "20"))
    phases = itertools.count(1)
    figures: dict[str, float] = {}
    with Engine(home) as engine, served(engine) as door:
        for millions in (1, many):
            with connect(engine.settings) as client:
                _bring_up_to(client, millions * 1_000_000)
                rest(client)
            floods = [
                Load(phase=next(phases), seconds=seconds, batch=100, connections=16)
                for _ in range(_FLOODS)
            ]
            found = [_flooded(engine, door, flood) for flood in floods]
            for name in ("events_per_second", "cpu_us_engine", "cpu_us_loader"):
                figures[f"{name}_at_{millions}m"] = median(one[name] for one in found)
    figures["growth"] = round(
        figures[f"cpu_us_engine_at_{many}m"] / figures["cpu_us_engine_at_1m"], 2
    )
    return figures


def _bring_up_to(client: "Client", wanted: int) -> None:
    stream = Stream(events=wanted, people=max(1, wanted // 100))
    while (there := _there(client)) < wanted:
        count = min(_BROUGHT_AT_ONCE, wanted - there)
        bring(client, stream, first=there, count=count)


def _paced(engine: Engine, door: _Door, load: Load) -> dict[str, float]:
    """How long an answer takes at a rate, and how long until an event is there."""
    looks: list[tuple[float, int]] = []
    with connect(engine.settings) as client, sending(door, load) as under_way:
        before = _there(client)
        while under_way.process.poll() is None:
            looks.append((time.time(), _there(client) - before))
            time.sleep(_LOOK_EVERY_S)
        sent = under_way.outcome()
        while not looks or looks[-1][1] < sent["events"]:
            looks.append((time.time(), _there(client) - before))
            time.sleep(_LOOK_EVERY_S)
    waits = sorted(took * 1000 for _, took in sent["answered"])
    until = sorted(_until_there(sent, looks, load.batch))
    return {
        "paced_events": sent["events"],
        "paced_failed": sent["failed"],
        "paced_events_per_second": _per_second(sent, "events"),
        "ack_p50_ms": _at(waits, 0.5),
        "ack_p95_ms": _at(waits, 0.95),
        "ack_p99_ms": _at(waits, 0.99),
        "queryable_p50_ms": _at(until, 0.5),
        "queryable_p95_ms": _at(until, 0.95),
    }


def _until_there(
    sent: Sent, looks: Sequence[tuple[float, int]], batch: int
) -> Iterator[float]:
    """Milliseconds from sending each batch to the first look that found it.

    Batches are loaded in the order of their answers, to within a few.
    """
    place = 0
    for number, (answered, took) in enumerate(sent["answered"], start=1):
        while looks[place][1] < number * batch:
            place += 1
        yield (looks[place][0] - (answered - took)) * 1000


def _bare(seconds: float) -> dict[str, float]:
    """What goes through the same HTTP server when it only decodes."""
    port = free_port()
    load = Load(phase=9, seconds=seconds, batch=100, connections=16, is_counted=False)
    words = ["-m", "bench._bare", str(port)]
    with started(words, environment=os.environ, port=port) as process:
        sent = _sent(_Door(port, "none", {}), load)
        used = cpu_s(process)
    return {
        "bare_http_events_per_second": _per_second(sent, "events"),
        "bare_http_cpu_us_event": cpu_us(used, sent["events"]),
    }


def _there(client: "Client") -> int:
    return int(rows(client, "select count() as n from raw.events")[0]["n"])


def wait_until_loaded(engine: Engine, events: int) -> None:
    """Until so many events are in ClickHouse. Raises RuntimeError after ten minutes."""
    deadline = time.monotonic() + _PATIENCE_S
    with connect(engine.settings) as client:
        while _there(client) < events:
            if time.monotonic() > deadline:
                raise RuntimeError("The loader does not get on.")
            time.sleep(_LOOK_EVERY_S)


def compared_in(engine: Engine, acknowledged: int) -> dict[str, float]:
    """What was acknowledged against what is there."""
    with connect(engine.settings) as client:
        (found,) = rows(client, _COMPARED)
    return {
        "lost": acknowledged - found["different"],
        "doubled": found["there"] - found["different"],
    }


def _per_second(sent: Sent, what: str) -> int:
    return round(sent[what] / (sent["ended"] - sent["began"]))


def _at(values: Sequence[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(share * len(values)))], 2)
