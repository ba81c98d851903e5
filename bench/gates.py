"""All gates over a day of a million events: time and memory, a process for each layer.

Five weeks of 25,000 events a day lie before it, so that there is something to compare
with. Limits: 20 s for all gates together, 1 GB for the largest of their processes.
GATES_EVENTS in the environment asks for another size of the day.
"""

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
from bench.models import _EVENTS
from warehouse.clickhouse import connect

_EVENTS_A_DAY = 1_000_000
_BEFORE_DAYS = 36
_BEFORE_EVENTS = 900_000
_FIRST = date(2026, 1, 1)
_DAY_MS = 86_400_000
_LIMITS = {"all_gates_limit_s": 20.0, "peak_limit_bytes": 1e9}


def run() -> dict[str, Any]:
    """Build the day up to its audiences, then time each gate."""
    from expectations.gates import GATES

    count = int(os.environ.get("GATES_EVENTS", _EVENTS_A_DAY))
    as_of = _FIRST + timedelta(days=_BEFORE_DAYS + 1)
    with tempfile.TemporaryDirectory() as home, Engine(Path(home)) as engine:
        _prepare(engine, count, as_of)
        figures: dict[str, float] = {}
        for gate in GATES:
            seconds, peak = _timed(engine, gate, as_of)
            figures[f"{gate}_s"] = round(seconds, 2)
            figures["peak_bytes"] = max(figures.get("peak_bytes", 0.0), float(peak))
            print(f"{gate}: {seconds:.1f} s, {peak / 1e6:.0f} MB", flush=True)
        figures["all_gates_s"] = round(sum(figures[f"{gate}_s"] for gate in GATES), 2)
    return {"figures": figures, "compared_with": _LIMITS}


def _prepare(engine: Engine, count: int, as_of: date) -> None:
    from warehouse.transformation import build

    settings = engine.settings
    before = {
        "first": 0,
        "count": _BEFORE_EVENTS,
        "step_ms": _BEFORE_DAYS * _DAY_MS / (_BEFORE_EVENTS / 5),
    }
    step = _DAY_MS / (count / 5)
    # the number of the event whose session begins with the day
    day = {
        "first": round(_BEFORE_DAYS * _DAY_MS / step) * 5,
        "count": count,
        "step_ms": step,
    }
    with connect(settings) as client:
        for part in (before, day):
            client.command(_EVENTS, parameters=part | {"people": 200_000, "late": 0})
            build(settings, "staging")
            if part is before:
                worlds.judged("staging", as_of - timedelta(days=1), settings)
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
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        with Watch(process.pid) as watch:
            process.wait()
        return time.monotonic() - began, watch.peak_bytes
