"""A stand-in of Meta's Graph API v26 for audiences: `questlog serve graph-standin`.

It speaks the protocol that `activation.meta` relies on, limits and errors included.
What it can't show is whether Meta would match a person: it counts rows.
"""

import json
import math
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from activation.standins.account import Answer, Refusal
from activation.standins.faults import Budget, Fault
from activation.standins.graph_calls import GraphStandin, Params, carry_out
from activation.standins.page import page

_HTML_ERROR = "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1>"
_MINUTE_S = 60
_THROTTLED = Refusal(80003, "There have been too many calls to this ad account")


async def _params(request: Request) -> Params:
    """Parameters of URL and form; what is JSON in them is read as such."""
    form = (await request.body()).decode()
    pairs = [*request.query_params.multi_items(), *parse_qsl(form)]
    return {key: _value(text) for key, text in pairs}


def _value(text: str) -> Any:
    if text[:1] in {"{", "["} or text in {"true", "false"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _reply(
    answer: Answer | Refusal, *, account_id: str, minutes: int = 0, percent: int = 1
) -> Response:
    usage = {
        "type": "custom_audience",
        "call_count": 100 if minutes else percent,
        "total_cputime": 1,
        "total_time": 1,
        "estimated_time_to_regain_access": minutes,
    }
    headers = {"X-Business-Use-Case-Usage": json.dumps({account_id: [usage]})}
    if isinstance(answer, dict):
        return JSONResponse(answer, headers=headers)
    error = {
        "message": answer.message,
        "type": "OAuthException",
        "code": answer.code,
        **({"error_subcode": answer.subcode} if answer.subcode else {}),
        "is_transient": answer.code in {1, 2},
        "fbtrace_id": "A" + secrets.token_hex(8),
    }
    return JSONResponse({"error": error}, status_code=answer.status, headers=headers)


def _spoiled(fault: Fault, *, account_id: str) -> Response:
    match fault.kind:
        case "throttle":
            return _reply(_THROTTLED, account_id=account_id, minutes=fault.minutes)
        case "transient":
            said = Refusal(2, "Service temporarily unavailable", status=500)
            return _reply(said, account_id=account_id)
        case "refuse":
            said = Refusal(fault.code, "Refused as asked", fault.subcode)
            return _reply(said, account_id=account_id)
        case "html_200":
            return HTMLResponse(_HTML_ERROR)
    return HTMLResponse(_HTML_ERROR, status_code=502)


def _graph(standin: GraphStandin) -> Callable[[Request], Awaitable[Response]]:
    async def graph(request: Request) -> Response:
        standin.callers.add(request.headers.get("user-agent", ""))
        params = await _params(request)
        path = request.url.path.rstrip("/")
        account_id = next(iter(standin.accounts), "0")
        fault = standin.faults.next_for(request.method, path)
        if fault is not None and fault.kind != "lost_reply":
            return _spoiled(fault, account_id=account_id)
        budget = standin.budget
        budget.spend()
        over = budget.is_over
        answer = (
            _THROTTLED if over else carry_out(standin, request.method, path, params)
        )
        if fault is not None:
            return _spoiled(fault, account_id=account_id)
        return _reply(
            answer,
            account_id=account_id,
            minutes=math.ceil(budget.quiet_s / _MINUTE_S),
            percent=budget.percent,
        )

    return graph


def _wishes(standin: GraphStandin) -> list[Route]:
    """How it shall behave from now on."""

    async def ask_fault(request: Request) -> Response:
        wrong = standin.faults.ask(await request.json())
        return PlainTextResponse(wrong or "asked", status_code=400 if wrong else 200)

    async def drop_faults(_: Request) -> Response:
        standin.faults.clear()
        return PlainTextResponse("all goes well")

    async def limit(request: Request) -> Response:
        wanted = await request.json()
        standin.budget = Budget(clock=standin.clock, **wanted)
        return PlainTextResponse("limited")

    async def revoke(_: Request) -> Response:
        standin.token_is_revoked = True
        return PlainTextResponse("every token is refused now")

    async def reset(_: Request) -> Response:
        standin.accounts.clear()
        standin.faults.clear()
        standin.budget = Budget(clock=standin.clock)
        standin.token_is_revoked, standin.terms_are_accepted = False, True
        standin.pixels.clear()
        return PlainTextResponse("empty")

    async def terms(request: Request) -> Response:
        standin.terms_are_accepted = await request.json() is True
        return PlainTextResponse("noted")

    return [
        Route("/_standin/faults", ask_fault, methods=["POST"]),
        Route("/_standin/faults", drop_faults, methods=["DELETE"]),
        Route("/_standin/limits", limit, methods=["POST"]),
        Route("/_standin/revoke", revoke, methods=["POST"]),
        Route("/_standin/reset", reset, methods=["POST"]),
        Route("/_standin/terms", terms, methods=["POST"]),
    ]


def _looks(standin: GraphStandin) -> list[Route]:
    """What it holds, for whoever asks."""

    async def events(_: Request) -> Response:
        return JSONResponse(
            {
                number: list(one.events.values())
                for number, one in standin.pixels.items()
            }
        )

    async def state(_: Request) -> Response:
        return JSONResponse(
            {
                account_id: {
                    one.name: list(one.people.rows())
                    for one in account.audiences.values()
                }
                for account_id, account in standin.accounts.items()
            }
        )

    async def callers(_: Request) -> Response:
        return JSONResponse(sorted(standin.callers))

    return [
        Route("/_standin/callers", callers),
        Route("/_standin/events", events),
        Route("/_standin/state", state),
    ]


def create_app(clock: Callable[[], float] = time.monotonic) -> Starlette:
    """The stand-in as an ASGI application; `clock` counts seconds."""
    standin = GraphStandin(clock)

    async def home(_: Request) -> Response:
        return HTMLResponse(page(standin))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            *_looks(standin),
            *_wishes(standin),
            Route("/{path:path}", _graph(standin), methods=["GET", "POST", "DELETE"]),
        ]
    )
