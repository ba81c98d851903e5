"""The door for an hour at a modest rate: memory and handles of each process stay flat.

`MINUTES=` (60) sets the length, `RATE=` (1,000) the events a second. Every five seconds
memory and open handles are read; after a fifth of the time for warming up, means of
ten stretches are fitted by a line. A figure is its slope an hour with the 95 %
interval around it. Flat means that the interval holds 0, or that an hour adds less
than a hundredth of the mean. Bars: door and loader flat in both, 0 lost, 0 doubled.
"""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench._engine import Engine
from bench._sender import Load
from bench.ingest import compared_in, sending, served, wait_until_loaded

_EVERY_S: Final = 5.0
_STRETCHES: Final = 10
_WARMING: Final = 0.2
_FLAT: Final = 0.01
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Slope:
    """A line's rise an hour, the 95 % interval around it, and the mean."""

    an_hour: float
    least: float
    most: float
    mean: float

    @property
    def is_flat(self) -> bool:
        """Whether nothing speaks for growth, or growth is slight."""
        return self.least <= 0 or self.an_hour < _FLAT * self.mean


def run() -> dict[str, Any]:
    """Send for a while, and look at the processes meanwhile."""
    seconds = 60 * float(os.environ.get("MINUTES", "60"))
    rate = int(os.environ.get("RATE", "1000"))
    load = Load(phase=1, seconds=seconds, batch=20, connections=16, rate=rate)
    looks: list[tuple[float, Mapping[str, tuple[float, int]]]] = []
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder) / "home") as it:
        with served(it) as door, sending(door, load) as under_way:
            while under_way.process.poll() is None:
                look = {name: seen(pid) for name, pid in door.processes.items()}
                looks.append((time.monotonic(), look))
                time.sleep(_EVERY_S)
            sent = under_way.outcome()
            wait_until_loaded(it, sent["events"])
        figures = {
            "minutes": seconds / 60,
            "events": sent["events"],
            "failed_requests": sent["failed"],
            **compared_in(it, sent["events"]),
        }
    flat: dict[str, int] = {}
    for name in looks[0][1]:
        for place, what in enumerate(("memory_mb", "handles")):
            points = [(at, float(seen[name][place])) for at, seen in looks]
            line = slope(points)
            figures |= {
                f"{name}_{what}": round(line.mean, 1),
                f"{name}_{what}_hour": round(line.an_hour, 3),
                f"{name}_{what}_hour_least": round(line.least, 3),
                f"{name}_{what}_hour_most": round(line.most, 3),
            }
            flat[f"{name}_{what}_flat"] = int(line.is_flat)
    bars = {
        f"{name}_{what}_flat_least": 1
        for name in ("door", "loader")
        for what in ("memory_mb", "handles")
    }
    bars |= {"lost_most": 0, "doubled_most": 0}
    return {"figures": figures | flat, "compared_with": bars}


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """The line through the means of stretches: what follows within one is alike."""
    from scipy import stats

    began, ended = points[0][0], points[-1][0]
    first = began + _WARMING * (ended - began)
    cuts = [first + (ended - first) * n / _STRETCHES for n in range(_STRETCHES + 1)]
    means = []
    for start, stop in pairwise(cuts):
        within = [(at, value) for at, value in points if start <= at <= stop]
        if within:
            count = len(within)
            means.append(tuple(sum(part) / count for part in zip(*within, strict=True)))
    values = [value for _, value in means]
    mean = sum(values) / len(values)
    if min(values) == max(values):
        # scipy knows no interval around a line that nothing strays from
        return Slope(0.0, 0.0, 0.0, mean)
    fitted = stats.linregress(*zip(*means, strict=True))
    around = stats.t.ppf(0.975, len(means) - 2) * fitted.stderr
    return Slope(
        an_hour=fitted.slope * _HOUR_S,
        least=(fitted.slope - around) * _HOUR_S,
        most=(fitted.slope + around) * _HOUR_S,
        mean=mean,
    )


def seen(process: int) -> tuple[float, int]:
    """Megabytes of memory of its own, and open handles; with those of its children.

    The door's own process serves nothing: its workers do.
    """
    folder = Path(f"/proc/{process}")
    lines = (folder / "smaps_rollup").read_text().splitlines()[1:]
    told = dict(line.split(":", 1) for line in lines)
    private = sum(
        int(told[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")
    )
    handles = len(list((folder / "fd").iterdir()))
    children = (folder / "task" / str(process) / "children").read_text().split()
    theirs = [seen(int(child)) for child in children]
    return (
        private / 1024 + sum(memory for memory, _ in theirs),
        handles + sum(count for _, count in theirs),
    )
