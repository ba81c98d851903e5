"""Hand others' messages to the door as a request to POST /v1/events."""

from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ingestion.bodies import Body, split
from ingestion.consent import Timeline, Word, withheld
from ingestion.dialects.envelopes import Translated, encoded
from ingestion.door import judged
from ingestion.judging import Refused, Source, Verdict

if TYPE_CHECKING:
    from ingestion.app import Service

Take = Callable[[Request], Awaitable[Response]]

_PATH: Final = "/v1/events"
_TAKEN: Final = 200


async def handed_in(
    request: Request, key: str, found: Translated, service: "Service", take: Take
) -> Response:
    """The door's answer to translated messages, with all its rules and limits.

    Raises BadInput for what can't be written as JSON, QuestlogError or OSError when
    nothing can be kept.
    """
    # first what may fail: nothing of a body that can't be taken whole is kept
    denied = split(encoded(found.denied)) if found.denied else None
    response = await take(_rewritten(request, key, encoded(found.events)))
    source = service.keys.source(key)
    if response.status_code == _TAKEN and denied is not None and source is not None:
        await _refuse(denied, source, service)
    return response


def _rewritten(request: Request, key: str, body: bytes) -> Request:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-write-key", key.encode("latin-1", "replace")),
        *((b"origin", one.encode()) for one in request.headers.getlist("origin")),
    ]
    scope = dict(request.scope)
    # what starlette remembered of the request as it came
    for remembered in ("path_params", "endpoint", "route"):
        scope.pop(remembered, None)
    scope |= {
        "method": "POST",
        "path": _PATH,
        "raw_path": _PATH.encode(),
        "query_string": b"",
        "headers": headers,
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


async def _refuse(body: Body, source: Source, service: "Service") -> None:
    """Note the messages whose sender's own stamp of consent says no to analytics."""
    now = service.now()
    verdicts = [
        _denied(one)
        for one in judged(body, rules=service.rules, source=source, received_at=now)
    ]
    await kept(verdicts, source, service, now=now)


async def kept(
    verdicts: list[Verdict], source: Source, service: "Service", *, now: datetime
) -> list[Verdict]:
    """Make verdicts durable and count them; the final ones.

    Raises QuestlogError or OSError when nothing can be kept.
    """
    final = await service.commits.kept(verdicts, now)
    service.metrics.count(final, source=source.name)
    return final


def _denied(verdict: Verdict) -> Verdict:
    found = verdict.envelope
    if found is None and isinstance(verdict, Refused):
        # whom it is about is unknown, but not that they said no
        return msgspec.structs.replace(verdict, raw=b"")
    return withheld(verdict, Timeline(), {found.subject: Word.DENIED} if found else {})
