"""Erase people, one after the other, from a warehouse whose models are built.

`EVENTS=` (2,000,000) of 50,000 people; three of them go. `erase_s` is the longest of
the three, told apart by step, with what it cost the engine. Bar: 60 s.
"""

import os
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench._engine import Engine
from bench._stages import cpu_s
from bench._stream import Stream, bring, rest
from warehouse import audit, erasure
from warehouse.clickhouse import connect, rows
from warehouse.transformation import build
from warehouse.vault import open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.vault import Vault

_PEOPLE = 50_000
_GONE = 3
_MOST_AT_ONCE = 1_000_000


def run() -> dict[str, Any]:
    """Bring events, build, and erase."""
    events = int(os.environ.get("EVENTS", "2000000"))
    stream = Stream(events=events, people=_PEOPLE)
    with (
        tempfile.TemporaryDirectory() as folder,
        Engine(Path(folder) / "home") as engine,
        connect(engine.settings) as client,
        open_vault(engine.settings) as vault,
    ):
        for first in range(0, events, _MOST_AT_ONCE):
            count = min(_MOST_AT_ONCE, events - first)
            bring(client, stream, first=first, count=count)
        build(engine.settings, "staging")
        build(engine.settings, "marts")
        rest(client)
        asked = "select distinct user_id from raw.events where user_id != '' limit 3"
        people = [str(row["user_id"]) for row in rows(client, asked)]
        told = [_erased(client, vault, one, engine.pid) for one in people[:_GONE]]
    longest = max(told, key=lambda one: one["erase_s"])
    return {
        "figures": {"events": events, "people_erased": len(told), **longest},
        "compared_with": {"erase_s_most": 60},
    }


def _erased(
    client: "Client", vault: "Vault", own_id: str, engine: int
) -> dict[str, float]:
    """Seconds of each step, and of the engine's CPU in all of them."""
    steps = [("finding", time.monotonic())]
    used = cpu_s(engine)
    erasure.erase(
        client,
        vault,
        own_id,
        audit.act(by="bench", because="a measurement", at=datetime.now(UTC)),
        leave_audiences=lambda _ids: [],
        told=lambda step: steps.append((step, time.monotonic())),
    )
    steps.append(("done", time.monotonic()))
    by_step = {
        f"{name.replace(' ', '_')}_s": round(ended - began, 2)
        for (name, began), (_, ended) in pairwise(steps)
    }
    return {
        "erase_s": round(steps[-1][1] - steps[0][1], 1),
        "engine_cpu_s": round(cpu_s(engine) - used, 1),
        **by_step,
    }
