"""What the ingest service counts and measures, for Prometheus."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as _exposed

from ingestion.judging import Accepted, Verdict

_ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(
        self, *, log_position: Callable[[], int], loaded_position: Callable[[], int]
    ) -> None:
        self._registry = CollectorRegistry()
        self._accepted = Counter(
            "questlog_events_accepted",
            "Events acknowledged as accepted",
            ["source"],
            registry=self._registry,
        )
        self._refused = Counter(
            "questlog_events_refused",
            "Events refused, by the first objection",
            ["source", "reason"],
            registry=self._registry,
        )
        self._bodies = Counter(
            "questlog_requests",
            "Requests to /v1/events, by status",
            ["status"],
            registry=self._registry,
        )
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
        ):
            gauge = Gauge(f"questlog_{name}", meaning, registry=self._registry)
            gauge.set_function(read)

    def count(self, verdicts: Sequence[Verdict], *, source: str) -> None:
        """Count a batch that was acknowledged."""
        accepted = 0
        for verdict in verdicts:
            if isinstance(verdict, Accepted):
                accepted += 1
            else:
                self._refused.labels(source, verdict.objections[0].reason).inc()
        if accepted:
            self._accepted.labels(source).inc(accepted)

    def count_request(self, status: int) -> None:
        """Count an answer to /v1/events."""
        self._bodies.labels(str(status)).inc()

    def exposed(self) -> bytes:
        """The metrics in Prometheus' text form."""
        return _exposed(self._registry)
