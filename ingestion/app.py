"""The ingest service: POST /v1/events and what tells of it."""

import asyncio
import logging
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ingestion import descriptions
from ingestion.bodies import Body
from ingestion.commits import Commits
from ingestion.credentials import (
    HOW_TO_SEND_THE_KEY,
    answer_headers,
    is_kept_out,
    preflight_headers,
    refusal_headers,
    shown_key,
)
from ingestion.dialects.routes import dialect_routes
from ingestion.disk import Watermark, never_low
from ingestion.door import Keeping, answer, judged
from ingestion.judging import Rules, Source, Verdict
from ingestion.keys import KeyRing, WriteKey
from ingestion.metrics import Metrics
from ingestion.quotas import Allowance, Quotas
from ingestion.reading import Unread, read
from ingestion.webhooks.definitions import Webhook
from ingestion.webhooks.routes import webhook_routes
from warehouse.errors import QuestlogError

RETRY_AFTER_S: Final = 2
FULL_RETRY_AFTER_S: Final = 30
WRITERS: Final = 8

_CANNOT_KEEP: Final = "Events cannot be kept right now; retry."
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work with; `now` is the door's clock, `seconds` a steady one.

    `beside` runs as long as the door does; `exposed` is what /metrics tells, where that
    is more than this process's own.
    """

    rules: Rules
    keeping: Keeping
    keys: KeyRing
    metrics: Metrics
    now: Callable[[], datetime]
    writers: ThreadPoolExecutor
    quotas: Quotas = field(default_factory=Quotas)
    disk: Watermark = field(default_factory=never_low)
    seconds: Callable[[], float] = time.monotonic
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    exposed: Callable[[], bytes] | None = None
    commits: Commits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "commits", Commits(self.keeping, self.writers))


def application(service: Service) -> Starlette:
    """The routes over a service."""

    async def take(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _asked_first(request, service)
        status = 500
        try:
            response = await _taken(request, service)
            status = response.status_code
        finally:
            service.metrics.count_request(status)
        return response

    async def measure(_: Request) -> Response:
        told = service.exposed or service.metrics.exposed
        return Response(told(), media_type="text/plain; version=0.0.4")

    return _Door(
        take,
        routes=[
            Route("/", _hint, methods=["GET"]),
            Route("/healthz", _health, methods=["GET"]),
            Route("/metrics", measure, methods=["GET"]),
            Route("/v1/events", take, methods=["POST", "OPTIONS"]),
            *dialect_routes(service, take),
            *webhook_routes(service),
            *descriptions.routes(service.rules.schemas.taxonomy),
        ],
        exception_handlers={HTTPException: _said_as_json},
        lifespan=partial(_lifespan, service),
    )


@asynccontextmanager
async def _lifespan(service: Service, _: Starlette) -> AsyncIterator[None]:
    running = [asyncio.create_task(one()) for one in service.beside]
    try:
        yield
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class _Door(Starlette):
    """Finds the route that nearly all requests take before it asks the router.

    In a profile of requests of one event router and middleware took a sixth.
    """

    def __init__(
        self, take: Callable[[Request], Awaitable[Response]], **starlette: Any
    ) -> None:
        super().__init__(**starlette)
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/v1/events" and scope.get("method") == "POST":
            response = await self._take(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _said_as_json(_: Request, error: Exception) -> Response:
    """What the router itself refuses: no such route, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, error.detail, error.headers)


async def _hint(_: Request) -> Response:
    return _json(
        200,
        {
            "service": "questlog ingest",
            "send_events_to": "POST /v1/events",
            "how": HOW_TO_SEND_THE_KEY,
            "api": "/openapi.json",
            "schemas": "/v1/schemas",
            "health": "/healthz",
            "metrics": "/metrics",
        },
    )


async def _health(_: Request) -> Response:
    return _json(200, {"status": "ok"})


def _asked_first(request: Request, service: Service) -> Response:
    """The answer to a browser's preflight."""
    try:
        headers = preflight_headers(request, service.keys)
    except (QuestlogError, OSError) as error:
        _logger.warning("%s", error)
        return _error(503, _CANNOT_KEEP, _retry(RETRY_AFTER_S))
    if headers is None:
        return _error(403, "No write key is for pages of this origin.")
    return Response(status_code=204, headers=headers)


async def _taken(request: Request, service: Service) -> Response:
    try:
        known = service.keys.find(shown_key(request))
        origin = request.headers.get("origin")
        if known is None:
            return _error(
                401,
                f"No valid write key. {HOW_TO_SEND_THE_KEY}",
                refusal_headers(origin, service.keys),
            )
        key, source = known
        if is_kept_out(origin, key.terms):
            return _error(403, "This write key is not for pages of this origin.")
        response = await _taken_from(request, service, key, source)
    except (QuestlogError, OSError) as error:
        # the reason is ours to know: paths and states are no sender's business; and
        # what fails once a body was read is never its sender's fault, who may retry
        _logger.warning("%s", error)
        return _error(503, _CANNOT_KEEP, _retry(RETRY_AFTER_S))
    response.headers.update(answer_headers(origin, key.terms))
    return response


async def _taken_from(
    request: Request, service: Service, key: WriteKey, source: Source
) -> Response:
    """The answer to a request with a valid key. Raises QuestlogError, OSError."""
    if service.disk.is_low():
        return _error(503, _CANNOT_KEEP, _retry(FULL_RETRY_AFTER_S))
    # an unreadable body counts as one event, and is not even read from who has none
    allowance = _allowance(service, key, 1)
    if allowance is not None and allowance.wait_s:
        return _too_fast(allowance)
    body = await read(request)
    if isinstance(body, Unread):
        return _error(body.status, body.message, body.headers)
    if len(body.events) > 1:
        allowance = _allowance(service, key, len(body.events) - 1)
        if allowance is not None and allowance.wait_s:
            return _too_fast(allowance)
    with service.metrics.acknowledged.time():
        final = await taken(body, service, source)
    return _json(200, answer(final), allowance.headers() if allowance else None)


async def taken(body: Body, service: Service, source: Source) -> list[Verdict]:
    """Judge events and keep them; at return they are durable and counted.

    Raises QuestlogError or OSError when nothing can be kept.
    """
    now = service.now()
    verdicts = judged(body, rules=service.rules, source=source, received_at=now)
    final = await service.commits.kept(verdicts, now)
    service.metrics.count(final, source=source.name)
    return final


def _allowance(service: Service, key: WriteKey, events: int) -> Allowance | None:
    return service.quotas.take(
        key.sha256, events, now=service.seconds(), rate=key.terms.events_per_second
    )


def _too_fast(allowance: Allowance) -> Response:
    message = (
        "This write key sends more events than it may; retry in"
        f" {allowance.wait_s} s, as Retry-After says."
    )
    return _error(429, message, allowance.headers())


def _retry(seconds: int) -> Mapping[str, str]:
    return {"Retry-After": str(seconds)}


def _error(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return _json(status, {"error": message}, headers)


def _json(
    status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )
