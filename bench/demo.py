"""`make demo` on the simulated world: seconds of each stage.

Limit: 480 s in all, which issue "Foundation" sets for two cores.
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

from questlog.demo.play import play
from questlog.demo.story import World
from warehouse.settings import load

_LIMIT_S = 480.0


def run() -> dict[str, Any]:
    """Play a demo in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        began = time.monotonic()
        play(
            replace(load(os.environ), home=home),
            os.environ,
            world=World(people=2000, days=120, seed=7),
            events=None,
            now=datetime.now(UTC),
        )
        total = time.monotonic() - began
        stages = json.loads((home / "demo-seconds.json").read_text())
    figures = {f"{_slug(stage)}_s": seconds for stage, seconds in stages.items()}
    return {
        "figures": figures | {"total_s": total},
        "compared_with": {"total_limit_s": _LIMIT_S},
    }


def _slug(stage: str) -> str:
    return re.sub(r"\W+", "_", stage).strip("_").lower()
