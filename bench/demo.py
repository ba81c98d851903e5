"""`make demo` on the simulated world: seconds and peak memory of each stage.

Memory is the resident memory of the demo and of all it starts: the stack, Airflow's
tasks and dbt. Limit: 480 s in all, which issue "Foundation" sets for two cores.
"""

import json
import os
import re
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench._memory import Watch
from questlog.demo.play import play
from questlog.demo.story import World
from warehouse.settings import load

_LIMIT_S = 480.0


def run() -> dict[str, Any]:
    """Play a demo in an empty folder."""
    return measured(World(people=2000, days=120, seed=7))


def measured(world: World) -> dict[str, Any]:
    """Play the demo of a world in an empty folder, and measure its stages."""
    with tempfile.TemporaryDirectory() as folder, Watch(os.getpid()) as watch:
        home = Path(folder) / "home"
        began = time.monotonic()
        play(
            replace(load(os.environ), home=home),
            os.environ,
            world=world,
            events=None,
            now=datetime.now(UTC),
            during=watch.stage,
        )
        total = time.monotonic() - began
        stages = json.loads((home / "demo-seconds.json").read_text())
    seconds = {f"{_slug(stage)}_s": stages[stage] for stage in stages}
    peaks = {f"{_slug(stage)}_peak_bytes": watch.peaks[stage] for stage in stages}
    whole = {"total_s": total, "peak_bytes": watch.peak_bytes}
    return {
        "figures": seconds | peaks | whole,
        "compared_with": {"total_limit_s": _LIMIT_S},
    }


def _slug(stage: str) -> str:
    return re.sub(r"\W+", "_", stage).strip("_").lower()
