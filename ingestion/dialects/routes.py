"""The addresses of Segment's and Snowplow's trackers, beside the door's own."""

import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingestion.credentials import shown_key
from ingestion.dialects import segment, snowplow
from ingestion.dialects.aliases import Aliases
from ingestion.dialects.envelopes import Receipt, Translated, decoded
from ingestion.dialects.requests import Take, handed_in
from ingestion.reading import Unread, read_bytes
from warehouse.errors import BadInput, QuestlogError

if TYPE_CHECKING:
    from ingestion.app import Service

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[int, str], Response]

_POST: Final = "/com.snowplowanalytics.snowplow/tp2"
_GET: Final = "/i"
_POSTED: Final = ["POST", "OPTIONS"]
# what a tracker of Snowplow's sends again and again, were it answered with another
_FINAL: Final = frozenset({400, 401, 403})
_PIXEL: Final = base64.b64decode(
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
)
_NO_KEY: Final = "No valid write key."
_CANNOT_KEEP: Final = "Events cannot be kept right now; retry."
_logger = logging.getLogger(__name__)


def dialect_routes(service: "Service", take: Take) -> list[Route]:
    """The routes of both dialects; `take` is the door's own POST /v1/events.

    Raises BadTaxonomy when a file of taxonomy/dialects has faults.
    """
    taxonomy = service.rules.schemas.taxonomy
    ours = _Segment(service, take, Aliases.of(segment.DIALECT, taxonomy))
    theirs = _Snowplow(service, take, Aliases.of(snowplow.DIALECT, taxonomy))
    routes = [
        _theirs(f"/v1/{kind}", ours.endpoint(kind), _POSTED)
        for kind in (*segment.KINDS, "batch", "import")
    ]
    for before in ("", "/{key}"):
        routes.append(_theirs(f"{before}{_POST}", theirs.posted, _POSTED))
        routes.append(_theirs(f"{before}{_GET}", theirs.fetched, ["GET"]))
    return routes


def _theirs(path: str, endpoint: Endpoint, methods: list[str]) -> Route:
    """A route of a protocol that others describe; our own document is of our API."""
    return Route(path, endpoint, methods=methods, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Segment:
    """Segment's addresses: /v1/track, identify, page, screen, group, alias, batch."""

    service: "Service"
    take: Take
    aliases: Aliases

    def endpoint(self, kind: str) -> Endpoint:
        kind = "batch" if kind == "import" else kind

        async def taken(request: Request) -> Response:
            if request.method == "OPTIONS":
                # what a browser asks first is the same question everywhere
                return await self.take(request)
            return await _guarded(self._taken(request, kind), _as_segment)

        return taken

    async def _taken(self, request: Request, kind: str) -> Response:
        raw = await read_bytes(request)
        if isinstance(raw, Unread):
            return _as_segment(raw.status, raw.message)
        body = decoded(raw)
        key = shown_key(request) or segment.write_key(body)
        source = self.service.keys.source(key) if key else None
        if source is None:
            return _as_segment(401, _NO_KEY)
        receipt = Receipt(source.name, self.service.now())
        found = segment.messages(body, kind)
        made = segment.translated(found, self.aliases, receipt)
        response = await handed_in(request, key, made, self.service, self.take)
        return _answered(response, _as_segment)


@dataclass(frozen=True, slots=True)
class _Snowplow:
    """Snowplow's addresses: the key comes before the path, or as the app id."""

    service: "Service"
    take: Take
    aliases: Aliases

    async def posted(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return await self.take(request)

        async def taken() -> Response:
            raw = await read_bytes(request)
            if isinstance(raw, Unread):
                return _as_snowplow(raw.status, raw.message)
            found = snowplow.messages(decoded(raw))
            return await self._taken(request, found, _as_snowplow)

        return await _guarded(taken(), _as_snowplow)

    async def fetched(self, request: Request) -> Response:
        found = [dict(request.query_params)]
        return await _guarded(self._taken(request, found, _as_pixel), _as_pixel)

    async def _taken(
        self, request: Request, found: list[Any], answer: Answer
    ) -> Response:
        key = request.path_params.get("key") or snowplow.app_id(found)
        source = self.service.keys.source(key) if key else None
        if source is None:
            return answer(401, f"{_NO_KEY} Give it as the app id, or before the path.")
        agent = request.headers.get("user-agent", "")
        receipt = Receipt(source.name, self.service.now(), agent)
        made: Translated = snowplow.translated(found, self.aliases, receipt, key=key)
        response = await handed_in(request, key, made, self.service, self.take)
        return _answered(response, answer)


async def _guarded(work: Awaitable[Response], answer: Answer) -> Response:
    try:
        return await work
    except BadInput as error:
        return answer(400, str(error))
    except (QuestlogError, OSError) as error:
        _logger.warning("%s", error)
        response = answer(503, _CANNOT_KEEP)
        response.headers["Retry-After"] = "2"
        return response


def _answered(response: Response, answer: Answer) -> Response:
    """The door's answer in the dialect's words, its headers kept."""
    try:
        said = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        said = {}
    found = answer(response.status_code, str(said.get("error", "")))
    for name, value in response.headers.items():
        if name not in ("content-length", "content-type"):
            found.headers[name] = value
    return found


def _as_segment(status: int, message: str) -> Response:
    content: dict[str, object] = {"success": True}
    if status != HTTPStatus.OK:
        code = (
            "unauthorized" if status == HTTPStatus.UNAUTHORIZED else "invalid_request"
        )
        content = {"success": False, "code": code, "message": message}
    return Response(
        orjson.dumps(content), status_code=status, media_type="application/json"
    )


def _as_snowplow(status: int, message: str) -> Response:
    if status == HTTPStatus.OK:
        return Response(b"ok", media_type="text/plain")
    return Response(message, status_code=_settled(status), media_type="text/plain")


def _as_pixel(status: int, message: str) -> Response:
    if status != HTTPStatus.OK:
        return _as_snowplow(status, message)
    headers = {"Cache-Control": "no-cache, no-store, must-revalidate"}
    return Response(_PIXEL, media_type="image/gif", headers=headers)


def _settled(status: int) -> int:
    """What is no use sending again is answered so that trackers don't."""
    retried = status in {408, 429} or status >= 500  # noqa: PLR2004
    return status if retried or status in _FINAL else 400
