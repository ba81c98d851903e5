"""What the stages of ingestion cost: processes started, timed, and taken apart."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench._sender import Load, bodies
from warehouse.clickhouse import connect
from warehouse.settings import Settings

_PATIENCE_S: Final = 60
_QUIET_S: Final = 1.0
_QUIET_CPU_S: Final = 0.05
_BATCHES: Final = 200
_BATCH: Final = 100
_BLOCKS: Final = 20
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def cpu_s(process: int) -> float:
    """Seconds of CPU that a process and its children have used, those ended too."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    own = sum(map(int, after_name[11:15])) / _TICKS_A_SECOND
    return own + sum(cpu_s(int(child)) for child in children)


def cpu_us(seconds: float, events: float) -> float:
    """Microseconds an event."""
    return round(seconds / max(1, events) * 1e6, 2)


@contextmanager
def started(
    words: Sequence[str], *, environment: Mapping[str, str], port: int = 0
) -> Iterator[int]:
    """A Python process, once it is healthy at its port if it has one; its id."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, *words], env=dict(environment), stderr=subprocess.DEVNULL
    ) as process:
        try:
            if port:
                _wait_until_healthy(process, port)
            _wait_until_quiet(process.pid)
            yield process.pid
        finally:
            process.terminate()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz").close()
            return
        time.sleep(0.05)
    raise RuntimeError("A process of the benchmark did not start.")


def _wait_until_quiet(process: int) -> None:
    """Until a process does nothing: what its start costs is no event's."""
    used = -1.0
    while cpu_s(process) - used > _QUIET_CPU_S:
        used = cpu_s(process)
        time.sleep(_QUIET_S)


def stages_of_the_door(folder: Path) -> dict[str, float]:
    """Microseconds of CPU an event takes in each stage of the door, without HTTP."""
    import orjson

    from ingestion.bodies import split
    from ingestion.consent import Standing
    from ingestion.door import Keeping, answer, judged, keep
    from ingestion.judging import Rules, Source
    from ingestion.segments import SegmentLog
    from warehouse.taxonomy import load
    from warehouse.vault import Vault

    spent = dict.fromkeys(("split", "judge", "keep", "answer"), 0.0)

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        began = time.process_time()
        yield
        spent[stage] += time.process_time() - began

    rules, source, now = Rules.of(load()), Source("bench"), datetime.now(UTC)
    with (
        closing(SegmentLog.open(folder / "log")) as log,
        Vault.open(folder / "vault.sqlite", b"k" * 32) as vault,
    ):
        keeping = Keeping(log, vault, Standing(vault, allowed_by_default=True))
        made = bodies(Load(phase=4, seconds=0, batch=_BATCH, connections=0))
        for _, text in zip(range(_BATCHES), made, strict=False):
            with timed("split"):
                body = split(text)
            with timed("judge"):
                verdicts = judged(body, rules=rules, source=source, received_at=now)
            with timed("keep"):
                final = keep(verdicts, keeping, now=now)
            with timed("answer"):
                orjson.dumps(answer(final))
    events = _BATCHES * _BATCH
    return {f"cpu_us_door_{name}": cpu_us(s, events) for name, s in spent.items()}


def engine_alone(settings: Settings, *, process: int) -> dict[str, float]:
    """Events straight into a table like raw.events, as JSONEachRow.

    In blocks as the loader's, from as many connections as the machine has cores.
    `process` is the engine's id.
    """
    from ingestion.blocks import RECORDS_A_BLOCK
    from ingestion.rows import EVENT_COLUMNS

    columns = ("loaded_at", *EVENT_COLUMNS)
    from warehouse.line_insert import insert_lines

    with connect(settings) as client:
        client.command("create database if not exists bench")
        client.command("create table bench.events as raw.events")
        lines = client.raw_query(
            f"select {', '.join(columns)} from raw.events limit {RECORDS_A_BLOCK}",
            fmt="JSONEachRow",
        )

    def insert(_: int) -> None:
        with connect(settings) as client:
            insert_lines(
                client,
                table="bench.events",
                columns=columns,
                lines=lines,
                settings={"insert_deduplicate": 0},
            )

    began, used = time.monotonic(), cpu_s(process)
    with ThreadPoolExecutor(os.cpu_count()) as senders:
        list(senders.map(insert, range(_BLOCKS)))
    events = _BLOCKS * lines.count(b"\n")
    return {
        "engine_alone_events_per_second": round(events / (time.monotonic() - began)),
        "engine_alone_cpu_us_event": cpu_us(cpu_s(process) - used, events),
    }
