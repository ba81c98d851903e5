"""The local stack, from nothing to healthy.

Limit: 60 s, the time in which somebody still waits.
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from questlog.stack.local import running, with_standins
from warehouse.settings import load

_LIMIT_S = 60.0


def run() -> dict[str, Any]:
    """Start a stack in an empty folder and stop it again."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(with_standins(load(os.environ)), home=Path(folder))
        began = time.monotonic()
        with running(settings, os.environ):
            healthy = time.monotonic()
        stopped = time.monotonic()
    figures = {"healthy_s": healthy - began, "stop_s": stopped - healthy}
    return {"figures": figures, "compared_with": {"healthy_limit_s": _LIMIT_S}}
