"""The metrics of several workers told as those of one service.

Each worker keeps its numbers in a file, written anew each second and before each
answer; whoever is asked adds the others' to its own. A worker that starts again goes
on from its file: for Prometheus no counter ever goes back.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from ingestion.metrics import Metrics

_EVERY_S: Final = 1.0
_SINCE: Final = "_created"


class _Family(msgspec.Struct, frozen=True):
    """One metric: its samples are name, labels and value."""

    name: str
    meaning: str
    kind: str
    samples: list[tuple[str, tuple[tuple[str, str], ...], float]]


_FILE = msgspec.json.Decoder(list[_Family])


@dataclass(frozen=True, slots=True)
class Numbers:
    """The files of all workers; `summed` the gauges that add up.

    Of other gauges the largest is told: all workers see the same disk and loader, and
    of ages the oldest matters.
    """

    files: Sequence[Path]
    summed: frozenset[str]
    worker: int = 0

    @property
    def mine(self) -> Path:
        """This worker's file."""
        return self.files[self.worker]

    def of(self, worker: int) -> "Numbers":
        """The same from where another worker stands."""
        return replace(self, worker=worker)

    def forget(self) -> None:
        """Begin at nothing, when the service starts."""
        for path in self.files:
            path.unlink(missing_ok=True)


class ToldTogether:
    """One worker's part in it."""

    def __init__(self, metrics: Metrics, numbers: Numbers) -> None:
        self._metrics = metrics
        self._numbers = numbers
        self._before = [
            one for one in _read(numbers.mine) if one.kind in {"counter", "histogram"}
        ]

    def exposed(self) -> bytes:
        """What the whole service has to tell, in Prometheus' text form."""
        mine = self.keep()
        others = [
            _read(path) for path in self._numbers.files if path != self._numbers.mine
        ]
        registry = CollectorRegistry()
        registry.register(_Told(self._added([mine, *others])))
        return generate_latest(registry)

    def keep(self) -> list[_Family]:
        """This worker's numbers, now in its file."""
        mine = self._added(
            [self._before, list(map(_family, self._metrics.collected()))]
        )
        path = self._numbers.mine
        aside = path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk must not stop who says so
            aside.write_bytes(msgspec.json.encode(mine))
            aside.replace(path)
        return mine

    async def keep_on(self) -> None:
        """Keep the numbers each second, until cancelled; then a last time."""
        try:
            while True:
                self.keep()
                await asyncio.sleep(_EVERY_S)
        finally:
            self.keep()

    def _added(self, told: Iterable[list[_Family]]) -> list[_Family]:
        families: dict[str, _Family] = {}
        values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for family in (one for some in told for one in some):
            families.setdefault(family.name, family)
            sums = values.setdefault(family.name, {})
            for name, labels, value in family.samples:
                key = name, labels
                sums[key] = (
                    self._rule(family, name)(sums[key], value) if key in sums else value
                )
        return [
            _Family(
                family.name,
                family.meaning,
                family.kind,
                [(*key, value) for key, value in values[name].items()],
            )
            for name, family in families.items()
        ]

    def _rule(self, family: _Family, name: str) -> Callable[[float, float], float]:
        if name.endswith(_SINCE):
            return min
        if family.kind == "gauge" and family.name not in self._numbers.summed:
            return max
        return float.__add__


@dataclass(frozen=True, eq=False)
class _Told(Collector):
    families: list[_Family]

    def collect(self) -> Iterator[Metric]:
        """The families as Prometheus' library has them."""
        for one in self.families:
            metric = Metric(one.name, one.meaning, one.kind)
            for name, labels, value in one.samples:
                metric.add_sample(name, dict(labels), value)
            yield metric


def _family(metric: Metric) -> _Family:
    samples: list[Any] = [
        (one.name, tuple(one.labels.items()), float(one.value))
        for one in metric.samples
    ]
    return _Family(metric.name, metric.documentation, metric.type, samples)


def _read(path: Path) -> list[_Family]:
    """What a worker kept; nothing where it has not yet, or broke off."""
    try:
        return _FILE.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return []
