"""Routes that say what may be sent: the OpenAPI document and the schemas."""

import hashlib
import json
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingestion.openapi import document
from warehouse.generators.json_schema import envelope_schema, event_schema
from warehouse.taxonomy import Taxonomy

_FRESH_S: Final = 60


def routes(taxonomy: Taxonomy) -> list[Route]:
    """GET /openapi.json and GET /v1/schemas, each made once."""
    schemas = {
        "envelope": json.loads(envelope_schema(taxonomy)),
        "events": {
            name: json.loads(event_schema(event))
            for name, event in sorted(taxonomy.events.items())
        },
    }
    return [
        _fixed("/openapi.json", orjson.dumps(document(taxonomy))),
        _fixed("/v1/schemas", orjson.dumps(schemas)),
    ]


def _fixed(path: str, content: bytes) -> Route:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"max-age={_FRESH_S}",
        # nothing here is secret, and a page's SDK may want its schemas
        "Access-Control-Allow-Origin": "*",
    }

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    return Route(path, answer, methods=["GET"])
