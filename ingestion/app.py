"""The ingest service: POST /v1/events, /healthz, /metrics."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ingestion.bodies import LARGEST_BODY, Body, TooMany, split
from ingestion.door import Keeping, answer, judged, keep
from ingestion.judging import Rules, Source
from ingestion.keys import KeyRing
from ingestion.metrics import Metrics
from warehouse.errors import BadInput, QuestlogError

RETRY_AFTER_S: Final = 2
SLOWEST_BODY_S: Final = 30
WRITERS: Final = 8

_HOW_TO_SEND_THE_KEY: Final = (
    "Send a write key as `Authorization: Bearer <key>`, as the user name of HTTP"
    " basic authentication, or as `X-Write-Key: <key>`."
    " `questlog keys add SOURCE` makes one."
)
_logger = logging.getLogger(__name__)


class _TooLong(BadInput):
    """A body is longer than the door takes."""


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes work with; `now` is the door's clock."""

    rules: Rules
    keeping: Keeping
    keys: KeyRing
    metrics: Metrics
    now: Callable[[], datetime]
    writers: ThreadPoolExecutor


def application(service: Service) -> Starlette:
    """The routes over a service."""

    async def take(request: Request) -> Response:
        response = await _taken(request, service)
        service.metrics.count_request(response.status_code)
        return response

    async def measure(_: Request) -> Response:
        return Response(
            service.metrics.exposed(), media_type="text/plain; version=0.0.4"
        )

    return Starlette(
        routes=[
            Route("/", _hint, methods=["GET"]),
            Route("/healthz", _health, methods=["GET"]),
            Route("/metrics", measure, methods=["GET"]),
            Route("/v1/events", take, methods=["POST"]),
        ],
    )


async def _hint(_: Request) -> Response:
    return _json(
        200,
        {
            "service": "questlog ingest",
            "send_events_to": "POST /v1/events",
            "how": _HOW_TO_SEND_THE_KEY,
            "health": "/healthz",
            "metrics": "/metrics",
        },
    )


async def _health(_: Request) -> Response:
    return _json(200, {"status": "ok"})


async def _taken(request: Request, service: Service) -> Response:
    try:
        source = _source(request, service.keys)
        if source is None:
            return _error(
                401, f"No valid write key. {_HOW_TO_SEND_THE_KEY}", _CHALLENGE
            )
        body = await _read(request)
        if isinstance(body, Response):
            return body
        with service.metrics.acknowledged.time():
            now = service.now()
            verdicts = judged(body, rules=service.rules, source=source, received_at=now)
            final = await asyncio.get_running_loop().run_in_executor(
                service.writers, partial(keep, verdicts, service.keeping, now=now)
            )
    except (QuestlogError, OSError) as error:
        # the reason is ours to know: paths and states are no sender's business; and
        # what fails once a body was read is never its sender's fault, who may retry
        _logger.warning("%s", error)
        return _error(503, "Events cannot be kept right now; retry.", _RETRY)
    service.metrics.count(final, source=source.name)
    return _json(200, answer(final))


async def _read(request: Request) -> Body | Response:
    """The events of a request, or the answer to one that cannot be read."""
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            return split(await _whole_body(request))
    except TimeoutError:
        return _error(408, f"The body took longer than {SLOWEST_BODY_S} s; retry.")
    except (_TooLong, TooMany) as error:
        return _error(413, str(error))
    except BadInput as error:
        return _error(400, str(error))
    except ClientDisconnect:
        return Response(status_code=400)


_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="questlog"'}
_RETRY: Final = {"Retry-After": str(RETRY_AFTER_S)}


async def _whole_body(request: Request) -> bytes:
    too_long = _TooLong(
        f"The body is longer than {LARGEST_BODY // 1024**2} MiB; send smaller batches."
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise too_long
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST_BODY:
            raise too_long
        parts.append(part)
    return b"".join(parts)


def _source(request: Request, keys: KeyRing) -> Source | None:
    given = request.headers.get("x-write-key") or _authorized(
        request.headers.get("authorization", "")
    )
    return keys.source(given) if given else None


def _authorized(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).partition(b":")
    except binascii.Error:
        return ""
    return user.decode("utf-8", "replace")


def _error(
    status: int, message: str, headers: dict[str, str] | None = None
) -> Response:
    return _json(status, {"error": message}, headers)


def _json(
    status: int, content: dict[str, object], headers: dict[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(content),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )
