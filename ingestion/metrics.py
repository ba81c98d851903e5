"""What the ingest service counts and measures, for Prometheus."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client import generate_latest as _exposed

from ingestion.judging import Accepted, Verdict
from ingestion.lag import Lag
from ingestion.recent import Recent

Measure = tuple[str, str, Callable[[], float]]
"""The name of a gauge, what it means, and how it is read when it is asked for."""

_ACK_BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(
        self,
        *,
        log_position: Callable[[], int],
        loaded_position: Callable[[], int],
        measures: Iterable[Measure] = (),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = CollectorRegistry()
        self._recent = Recent()
        self._lag = Lag(log_position, loaded_position, seconds)
        self._accepted = cache(
            self._counter(
                "events_accepted", "Events acknowledged as accepted", ["source"]
            ).labels
        )
        self._refused = self._counter(
            "events_refused",
            "Events refused, by the first objection",
            ["source", "reason"],
        )
        self._repeated = cache(
            self._counter(
                "events_repeated",
                "Accepted events whose id this process had accepted lately",
                ["source"],
            ).labels
        )
        requests = self._counter(
            "requests", "Requests to /v1/events, by status", ["status"]
        )
        # finding a label's counter again takes longer than counting
        self._of_status = cache(lambda status: requests.labels(str(status)))
        self.acknowledged = Histogram(
            "questlog_ack_seconds",
            "From the whole body read to the answer",
            buckets=_ACK_BUCKETS,
            registry=self._registry,
        )
        for name, meaning, read in (
            ("log_position_bytes", "End of the durable log", log_position),
            ("loaded_position_bytes", "Up to where it is loaded", loaded_position),
            (
                "loader_lag_bytes",
                "Durable, but not in ClickHouse yet",
                lambda: max(0, log_position() - loaded_position()),
            ),
            (
                "loader_lag_seconds",
                "Age of the oldest that is not in ClickHouse yet, to a second",
                self._lag.age_s,
            ),
            *measures,
        ):
            gauge = Gauge(f"questlog_{name}", meaning, registry=self._registry)
            gauge.set_function(read)

    def _counter(self, name: str, meaning: str, labels: list[str]) -> Counter:
        return Counter(f"questlog_{name}", meaning, labels, registry=self._registry)

    def count(self, verdicts: Sequence[Verdict], *, source: str) -> None:
        """Count a batch that was acknowledged."""
        accepted = []
        for verdict in verdicts:
            if isinstance(verdict, Accepted):
                accepted.append(verdict.envelope.event_id)
            else:
                self._refused.labels(source, verdict.objections[0].reason).inc()
        if accepted:
            self._accepted(source).inc(len(accepted))
            self._repeated(source).inc(self._recent.again(accepted))
        self._lag.note()

    def count_request(self, status: int) -> None:
        """Count an answer to /v1/events."""
        self._of_status(status).inc()

    def collected(self) -> Iterable[Metric]:
        """The metrics as they stand."""
        return self._registry.collect()

    def exposed(self) -> bytes:
        """The metrics in Prometheus' text form."""
        return _exposed(self._registry)
