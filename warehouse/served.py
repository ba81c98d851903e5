"""What every HTTP service of the house tells Prometheus of itself, at /metrics."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_METRICS = "/metrics"


class Measured:
    """An ASGI application with its requests counted and timed, and /metrics added."""

    def __init__(self, application: Application, *, service: str) -> None:
        from prometheus_client import (
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            ProcessCollector,
        )

        self._application = application
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        answered = Counter(
            "questlog_service_requests",
            "Requests answered, by status",
            ["service", "status"],
            registry=self._registry,
        )
        self._answered = {
            kind: answered.labels(service, f"{kind}xx") for kind in range(1, 6)
        }
        self._seconds = Histogram(
            "questlog_service_request_seconds",
            "From a request's head to the end of its answer",
            ["service"],
            buckets=_BUCKETS,
            registry=self._registry,
        ).labels(service)
        self._under_way = Gauge(
            "questlog_service_requests_under_way",
            "Requests not answered yet",
            ["service"],
            registry=self._registry,
        ).labels(service)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer /metrics; measure everything else."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif scope["path"] == _METRICS:
            await self._tell(send)
        else:
            await self._measure(scope, receive, send)

    async def _measure(self, scope: Message, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered[message["status"] // 100].inc()
            await send(message)

        self._under_way.inc()
        try:
            await self._application(scope, receive, noted)
        finally:
            self._under_way.dec()
            self._seconds.observe(time.perf_counter() - began)

    async def _tell(self, send: Send) -> None:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = generate_latest(self._registry)
        await send({"type": "http.response.body", "body": body})
