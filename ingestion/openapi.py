"""The OpenAPI document of the door: what it takes, what it answers."""

import json
from typing import Any, Final

from ingestion.bodies import LARGEST_BODY, MOST_EVENTS
from ingestion.credentials import HOW_TO_SEND_THE_KEY, IN_THE_ADDRESS
from ingestion.judging import DEEPEST, LARGEST_EVENT
from ingestion.objections import REASONS
from ingestion.shapes import MOST_PROPERTIES
from ingestion.unpacking import ENCODINGS
from warehouse.generators.json_schema import envelope_schema
from warehouse.taxonomy import Taxonomy

_Json = dict[str, Any]

_VERSION: Final = "1.0"
_MiB: Final = 1024**2
_LIMITS: Final = (
    f"A body is at most {LARGEST_BODY // _MiB} MiB, as sent and once unpacked"
    f" ({', '.join(ENCODINGS)}), and holds at most {MOST_EVENTS} events. An event is"
    f" at most {LARGEST_EVENT // 1024} KiB, {DEEPEST} levels deep, with at most"
    f" {MOST_PROPERTIES} keys in each of its objects `properties`, `context` and"
    " `user_properties`."
)
_VERDICTS: Final = (
    "The unit is one event: a bad one never costs its neighbours their place. A body"
    " that can be read is answered 200 with a verdict for each event, also when all"
    " are refused; `accepted` means on disk. An event that does not fit the schema"
    " `Event` or its type's own (`/v1/schemas`) is refused with all that is wrong"
    " with it. Send again after 408, 429 and 503: an event counts once by its id."
)


def document(taxonomy: Taxonomy) -> _Json:
    """The document for a taxonomy, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Questlog ingest",
            "version": _VERSION,
            "description": f"{_VERDICTS}\n\n{_LIMITS}",
        },
        "paths": {
            "/v1/events": {"post": _take()},
            "/v1/schemas": {
                "get": _get("What may be sent, as JSON Schema.", "Schemas")
            },
            "/healthz": {"get": _get("Whether the process is well.", "Health")},
            "/": {"get": _get("Where things are.", "Hint")},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _get("This document.", "Document")},
        },
        "components": {
            "schemas": _schemas(taxonomy),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "header": _api_key("header", "X-Write-Key"),
                "address": _api_key("query", IN_THE_ADDRESS),
            },
        },
    }


def _api_key(place: str, name: str) -> _Json:
    return {"type": "apiKey", "in": place, "name": name}


def _take() -> _Json:
    return {
        "operationId": "send_events",
        "summary": "Send events, one or many.",
        "description": HOW_TO_SEND_THE_KEY,
        "security": [{"bearer": []}, {"basic": []}, {"header": []}, {"address": []}],
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {
            "200": _answer("A verdict for each event, in order.", "Answer")
            | {"headers": _quota_headers()},
            "400": _answer("The body cannot be read.", "Error"),
            "401": _answer("No valid write key.", "Error")
            | {
                "headers": {"WWW-Authenticate": _header("string", "How to send a key.")}
            },
            "403": _answer("The key is for pages of other origins.", "Error"),
            "408": _answer("The body came too slowly; retry.", "Error"),
            "413": _answer("The body is too long or holds too many events.", "Error"),
            "415": _answer("The body is packed or written in an unknown way.", "Error"),
            "429": _answer("The key sends too fast; retry.", "Error")
            | {"headers": _quota_headers() | _retry_after()},
            "503": _answer("Nothing can be kept now; retry.", "Error")
            | {"headers": _retry_after()},
        },
    }


def _bodies() -> _Json:
    text = {"schema": {"type": "string"}}
    return {
        "application/json": {
            "schema": {
                "anyOf": [_ref("Event"), _ref("Batch"), _array(_ref("Event"))],
            }
        },
        "application/x-ndjson": text | {"example": '{"event_id":"…"}\n'},
        "text/plain": text,
    }


def _get(summary: str, schema: str) -> _Json:
    return {"summary": summary, "responses": {"200": _answer(summary, schema)}}


def _metrics() -> _Json:
    summary = "What the service counts, for Prometheus."
    content = {"text/plain": {"schema": {"type": "string"}}}
    answer = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": answer}}


def _schemas(taxonomy: Taxonomy) -> _Json:
    event = json.loads(envelope_schema(taxonomy))
    for word in ("$comment", "$schema", "$id"):
        event.pop(word, None)
    return {
        "Event": event,
        "Batch": _closed(
            {
                "events": _array(_ref("Event")),
                "sent_at": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    # the years that every clock and ClickHouse agree on
                    "pattern": "^(19|20|21)",
                    "description": "When the sender posted it, by its own clock.",
                },
            },
            required=["events"],
        ),
        "Answer": _closed(
            {
                "accepted": {"type": "integer", "minimum": 0},
                "refused": {"type": "integer", "minimum": 0},
                "verdicts": _array(_ref("Verdict")),
            }
        ),
        "Verdict": _closed(
            {
                "event_id": {"type": ["string", "null"]},
                "status": {"enum": ["accepted", "refused"]},
                "tags": {"type": "array", "items": {"enum": sorted(REASONS)}},
                "objections": {"type": "array", "items": _ref("Objection")},
            }
        ),
        "Objection": _closed(
            {
                "reason": {"enum": sorted(REASONS)},
                "at": {"type": "string", "description": "A JSON pointer."},
                "message": {"type": "string"},
                "recoverable": {
                    "type": "boolean",
                    "description": "Whether a mended taxonomy can admit the event.",
                },
            }
        ),
        "Error": _closed({"error": {"type": "string"}}),
        "Health": _closed({"status": {"const": "ok"}}),
        "Hint": {"type": "object", "additionalProperties": {"type": "string"}},
        "Document": {"type": "object", "required": ["openapi", "paths"]},
        "Schemas": _closed(
            {
                "envelope": {"type": "object"},
                "events": {
                    "type": "object",
                    "additionalProperties": {"type": "object"},
                },
            }
        ),
    }


def _closed(properties: _Json, *, required: list[str] | None = None) -> _Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties) if required is None else required,
        "properties": properties,
    }


def _array(items: _Json) -> _Json:
    return {"type": "array", "maxItems": MOST_EVENTS, "items": items}


def _answer(description: str, schema: str) -> _Json:
    content = {"application/json": {"schema": _ref(schema)}}
    return {"description": description, "content": content}


def _ref(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(kind: str, description: str) -> _Json:
    return {"description": description, "schema": {"type": kind}}


def _retry_after() -> _Json:
    return {"Retry-After": _header("integer", "Seconds to wait.")}


def _quota_headers() -> _Json:
    return {
        "RateLimit-Policy": _header("string", "The limit of this key, if it has one."),
        "RateLimit": _header("string", "What is left of it."),
        "RateLimit-Limit": _header("integer", "Events within ten seconds."),
        "RateLimit-Remaining": _header("integer", "Events that may be sent at once."),
        "RateLimit-Reset": _header("integer", "Seconds until all may be."),
    }
