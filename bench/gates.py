"""All gates over a day of a million events: time and memory, a process for each layer.

Five weeks of 25,000 events a day lie before it, so that there is something to compare
with. Judged by one command, whose processes are forked after what takes long to import,
then by a command for each gate, as tasks of Airflow are: `apart`. Limits: 20 s for all
gates together, 1 GB at any moment. GATES_EVENTS asks for another size of the day.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import _fault_worlds as worlds
from bench._engine import Engine
from bench._memory import Watch
from bench._stream import DAYS, Stream, bring
from warehouse.clickhouse import connect

_EVENTS_A_DAY, _EVENTS_BEFORE = 1_000_000, 25_000
_BEFORE_DAYS, _PEOPLE = 36, 200_000
_FIRST = date(2026, 1, 1)
_LIMITS = {"all_gates_limit_s": 20.0, "peak_limit_bytes": 1e9}


def run() -> dict[str, Any]:
    """Build the day up to its audiences, then judge it twice."""
    from expectations.gates import GATES

    count = int(os.environ.get("GATES_EVENTS", _EVENTS_A_DAY))
    as_of = _FIRST + timedelta(days=_BEFORE_DAYS + 1)
    with tempfile.TemporaryDirectory() as home, Engine(Path(home)) as engine:
        _prepare(engine, count, as_of)
        all_s, peak = _timed(engine, "all", as_of)
        apart = {gate: _timed(engine, gate, as_of) for gate in GATES}
    figures = {
        "all_gates_s": round(all_s, 2),
        "all_gates_peak_bytes": float(peak),
        "apart_s": round(sum(seconds for seconds, _ in apart.values()), 2),
        "apart_peak_bytes": float(max(held for _, held in apart.values())),
        **{f"{gate}_apart_s": round(took, 2) for gate, (took, _) in apart.items()},
    }
    return {"figures": figures, "compared_with": _LIMITS}


def _prepare(engine: Engine, count: int, as_of: date) -> None:
    from warehouse.transformation import build

    settings = engine.settings
    before, day = (
        Stream(events=each * DAYS, people=_PEOPLE) for each in (_EVENTS_BEFORE, count)
    )
    with connect(settings) as client:
        bring(client, before, first=0, count=_EVENTS_BEFORE * _BEFORE_DAYS)
        build(settings, "staging")
        worlds.judged("staging", as_of - timedelta(days=1), settings)
        # a stream's events are numbered from its first day on: those of one day
        bring(client, day, first=count * _BEFORE_DAYS, count=count)
        build(settings, "staging")
    build(settings, "marts")
    build(settings, "features", as_of=as_of)
    worlds.score_and_choose(settings, as_of)


def _timed(engine: Engine, gate: str, as_of: date) -> tuple[float, int]:
    began = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - our own words
        [
            *(sys.executable, "-m", "questlog"),
            *("gate", gate, "--as-of", as_of.isoformat(), "--json"),
        ],
        env=engine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        with Watch(process.pid) as watch:
            printed, _ = process.communicate()
        seconds = time.monotonic() - began
    json.loads(printed)  # a gate that was not judged says nothing
    print(f"{gate}: {seconds:.1f} s, {watch.peak_bytes / 1e6:.0f} MB", flush=True)
    return seconds, watch.peak_bytes
