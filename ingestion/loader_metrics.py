"""What a loader counts and measures, and the port at which it tells Prometheus."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingestion.breaker import Breaker, State
from ingestion.lag import Lag
from warehouse.errors import QuestlogError
from warehouse.settings import Settings

_BLOCK_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AGAIN_S: Final = 5.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A log by its name, and what of it is loaded: up to `position` of `end`.

    In bytes, on Kafka in messages.
    """

    log: str
    position: int
    end: int


class LoaderMetrics:
    """The metrics of one loader, in a registry of their own.

    They are asked for from another thread than that which loads: what is asked of a
    log is noted by the loader, and ages go on growing while it is held up.
    """

    def __init__(
        self, breaker: Breaker, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self.registry = CollectorRegistry()
        self.seconds = seconds
        self._waiting = _Waiting(seconds)
        self._seen_at = seconds()
        self._blocks = Counter(
            "questlog_loader_blocks",
            "Blocks that ClickHouse took",
            registry=self.registry,
        )
        self._rows = Counter(
            "questlog_loader_rows", "Rows of these blocks", registry=self.registry
        )
        self._block_seconds = Histogram(
            "questlog_loader_block_seconds",
            "From reading a block to knowing that ClickHouse has it",
            buckets=_BLOCK_BUCKETS,
            registry=self.registry,
        )
        self._failures = Counter(
            "questlog_loader_failures",
            "Tries that failed and are made again, by the kind of error",
            ["error"],
            registry=self.registry,
        )
        self._unusable = Gauge(
            "questlog_logs_unusable",
            "Logs that cannot be used, beside others that are loaded",
            registry=self.registry,
        )
        Gauge(
            "questlog_loader_breaker",
            "0 closed, 1 half open, 2 open (ClickHouse is away)",
            registry=self.registry,
        ).set_function(lambda: get_args(State).index(breaker.state))
        Gauge(
            "questlog_loader_seen_seconds",
            "Seconds since the loader last finished a block, a look or a try",
            registry=self.registry,
        ).set_function(lambda: self.seconds() - self._seen_at)
        self.registry.register(self._waiting)
        ProcessCollector(registry=self.registry)

    def loaded(self, rows: int, *, took_s: float) -> None:
        """Count a block that is in ClickHouse."""
        self._blocks.inc()
        self._rows.inc(rows)
        self._block_seconds.observe(took_s)

    def failed(self, error: QuestlogError) -> None:
        """Count a try that will be made again."""
        self._failures.labels(type(error).__name__).inc()

    def alive(self) -> None:
        """Note that the loader goes on."""
        self._seen_at = self.seconds()

    def look(self, logs: Iterable[Waiting], *, unusable: int) -> None:
        """Note how far each log is loaded, and how many cannot be used."""
        self._waiting.note(list(logs))
        self._unusable.set(unusable)


class _Waiting(Collector):
    """What waits in each log, and for how long."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._logs: dict[str, _Log] = {}
        self._lock = threading.Lock()

    def note(self, logs: list[Waiting]) -> None:
        """Take the place of what was noted before; a log that is gone is forgotten."""
        with self._lock:
            before = self._logs
            self._logs = {}
            for now in logs:
                known = before.get(now.log) or _Log(now, self._seconds)
                known.place = now
                known.lag.note()
                self._logs[now.log] = known

    def collect(self) -> Iterator[Metric]:
        """Both families, a line for each log."""
        amount = GaugeMetricFamily(
            "questlog_loader_waiting",
            "Durable and not in ClickHouse yet: bytes, on Kafka messages",
            labels=["log"],
        )
        age = GaugeMetricFamily(
            "questlog_loader_waiting_seconds",
            "How long the oldest of it has waited since this loader saw it",
            labels=["log"],
        )
        with self._lock:
            for name, log in self._logs.items():
                left = max(0, log.place.end - log.place.position)
                amount.add_metric([name], left)
                age.add_metric([name], log.lag.age_s())
        yield from (amount, age)


class _Log:
    """A log as it was noted last, and since when."""

    def __init__(self, place: Waiting, seconds: Callable[[], float]) -> None:
        self.place = place
        self.lag = Lag(lambda: self.place.end, lambda: self.place.position, seconds)


@dataclass(slots=True)
class MetricsPort:
    """Where the metrics are told; whoever finds the port taken asks for it again.

    Several loaders of one machine may have been given one port: loading matters more
    than telling of it, so that the second loads untold until the first has gone.
    """

    settings: Settings
    metrics: LoaderMetrics
    _is_open: bool = False
    _tried_at: float = field(default=float("-inf"))

    def open(self) -> None:
        """Listen, if nobody else does; then and when it is due again."""
        now = self.metrics.seconds()
        if self._is_open or now - self._tried_at < _AGAIN_S:
            return
        is_first = self._tried_at == float("-inf")
        self._tried_at = now
        host, port = self.settings.loader_host, self.settings.loader_port
        try:
            start_http_server(port, host, registry=self.metrics.registry)
            self._is_open = True
        except OSError as error:
            if is_first:
                _logger.warning(
                    "The loader cannot tell its metrics at %s:%d: %s. It loads all the"
                    " same; give it a port of its own by QUESTLOG_LOADER_PORT.",
                    host,
                    port,
                    error.strerror,
                )
