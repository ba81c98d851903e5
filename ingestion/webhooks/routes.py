"""POST /v1/webhooks/{source}: signed deliveries of other services."""

import logging
from typing import TYPE_CHECKING, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingestion.bodies import split
from ingestion.dialects.envelopes import decoded, encoded
from ingestion.dialects.requests import kept
from ingestion.door import answer, judged
from ingestion.judging import Source
from ingestion.reading import Unread, read_bytes
from ingestion.webhooks.signatures import BadSignature
from warehouse.errors import BadInput, QuestlogError, Unavailable

if TYPE_CHECKING:
    from ingestion.app import Service

_PATH: Final = "/v1/webhooks/{source}"
_CANNOT_KEEP: Final = "Events cannot be kept right now; retry."
_logger = logging.getLogger(__name__)


def webhook_routes(service: "Service") -> list[Route]:
    """The one route of all webhooks."""

    async def taken(request: Request) -> Response:
        try:
            return await _taken(request, service)
        except BadSignature as error:
            return _answered(401, {"error": str(error)})
        except BadInput as error:
            return _answered(400, {"error": str(error)})
        except (QuestlogError, OSError) as error:
            _logger.warning("%s", error)
            response = _answered(503, {"error": _CANNOT_KEEP})
            response.headers["Retry-After"] = "2"
            return response

    # each sender's bodies are its own: our OpenAPI document says nothing of them
    return [Route(_PATH, taken, methods=["POST"], include_in_schema=False)]


async def _taken(request: Request, service: "Service") -> Response:
    webhook = service.webhooks.get(request.path_params["source"])
    if webhook is None:
        return _answered(404, {"error": "No webhook of this source is set up here."})
    if service.disk.is_low():
        raise Unavailable("The disk is nearly full: webhooks are put off.")
    raw = await read_bytes(request)
    if isinstance(raw, Unread):
        return _answered(raw.status, {"error": raw.message})
    now = service.now()
    webhook.scheme.check(raw, request.headers, secrets=webhook.secrets, now=now)
    events = tuple(webhook.events(decoded(raw)))
    if not events:
        return _answered(200, {"accepted": 0, "refused": 0, "verdicts": []})
    body, source = split(encoded(events)), Source(webhook.source)
    verdicts = judged(body, rules=service.rules, source=source, received_at=now)
    final = await kept(verdicts, source, service, now=now)
    return _answered(200, answer(final))


def _answered(status: int, content: dict[str, object]) -> Response:
    return Response(
        orjson.dumps(content), status_code=status, media_type="application/json"
    )
