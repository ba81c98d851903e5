"""Build the models of 2 and 20 million events whole, then follow 20,000 new ones.

Limits at the larger size: 240 s whole, 20 s for the increment, 6 GiB of memory (engine
and dbt together), and an increment at most 1.5 times as long as at the smaller size.
While developing, QUESTLOG_BENCH_EVENTS=100000,1000000 takes other sizes.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench._engine import Engine
from bench._memory import Watch
from bench._stream import Stream, bring, rest
from warehouse.clickhouse import connect, rows
from warehouse.transformation import build

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PEOPLE = 500_000
_NEW_EVENTS = 20_000
_LIMITS = {
    "full_build_limit_s": 240.0,
    "increment_limit_s": 20.0,
    "peak_limit_bytes": float(6 << 30),
    "increment_limit_ratio": 1.5,
}

_READ = """
select extract(query, '"node_id": "model\\.questlog\\.([a-z_0-9]+)"') as model,
    sum(read_rows) as read_rows, sum(query_duration_ms) as ms,
    intDiv(sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']), 1000) as cpu_ms
from system.query_log
where type = 'QueryFinish' and model != '' and event_time_microseconds > {since:String}
group by model order by model
"""


def run() -> dict[str, Any]:
    """Measure both sizes, the smaller first."""
    given = os.environ.get("QUESTLOG_BENCH_EVENTS", "2000000,20000000")
    small, large = (_measured(int(events)) for events in given.split(","))
    figures = {
        "full_build_s": large["full_build_s"],
        "increment_s": large["increment_s"],
        "peak_bytes": large["peak_bytes"],
        "increment_ratio": large["increment_s"] / small["increment_s"],
        "full_build_2m_s": small["full_build_s"],
        "increment_2m_s": small["increment_s"],
        "peak_2m_bytes": small["peak_bytes"],
    }
    return {"figures": figures, "compared_with": _LIMITS}


def _measured(events: int) -> dict[str, float]:
    home = Path(tempfile.mkdtemp(prefix="questlog-bench-"))
    figures: dict[str, float] = {}
    stream = Stream(events=events, people=_PEOPLE)
    try:
        with Engine(home) as engine, connect(engine.settings) as client:
            bring(client, stream, first=0, count=events)
            rest(client)
            with Watch(os.getpid()) as watch:
                for step in ("full_build", "increment"):
                    if step == "increment":
                        bring(client, stream, first=events, count=_NEW_EVENTS, late=1)
                    rest(client)
                    since = _now(client)
                    with _timed(figures, f"{step}_s"):
                        build(engine.settings, "staging")
                        build(engine.settings, "marts")
                    _tell(client, f"{step} of {events:,} events", since, figures)
            figures["peak_bytes"] = float(watch.peak_bytes)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return figures


def _now(client: "Client") -> str:
    return str(client.command("select toString(now64(6))"))


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    figures[name] = time.monotonic() - began


def _tell(client: "Client", what: str, since: str, figures: dict[str, float]) -> None:
    """Print rows read and time by model, from the engine's own log."""
    client.command("system flush logs")
    print(f"{what}: {figures}")
    for row in rows(client, _READ, {"since": since}):
        print(
            f"  {row['model']:<26} {row['read_rows']:>13,} rows {row['ms']:>9,} ms"
            f" {row['cpu_ms']:>9,} ms of CPU"
        )
