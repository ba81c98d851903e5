"""A stand-in of Meta's Graph API v26 for audiences: `questlog serve graph-standin`.

It speaks the protocol that `activation.meta` relies on, limits and errors included.
What it can't show is whether Meta would match a person: it counts rows.
"""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from activation.standins.account import Account, Answer, Audience, Refusal
from activation.standins.faults import Fault, Faults
from activation.standins.page import page
from activation.standins.payload import read_rows

VERSION = "v26.0"
_HTML_ERROR = "<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1>"
_MOST_A_PAGE = 200

Params = Mapping[str, Any]


class GraphStandin:
    """The accounts of one stand-in and the faults asked of it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.faults = Faults()
        self.token_is_revoked = False
        self.callers: set[str] = set()

    def account(self, account_id: str) -> Account:
        """An account, opened on first use."""
        return self.accounts.setdefault(account_id, Account(self.clock))

    def find(self, node: str) -> tuple[Account, Audience] | None:
        """Where an audience is."""
        for account in self.accounts.values():
            if node in account.audiences:
                return account, account.audiences[node]
        return None


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


def _carry_out(
    standin: GraphStandin, method: str, path: str, params: Params
) -> Answer | Refusal:
    version, _, rest = path.strip("/").partition("/")
    if version != VERSION:
        return Refusal(2635, f"(#2635) This stand-in speaks {VERSION} only")
    if standin.token_is_revoked or not params.get("access_token"):
        return Refusal(190, "Error validating access token", 460, status=401)
    node, _, edge = rest.partition("/")
    verb = str(params.get("method", method)).upper()
    if node.startswith("act_") and node.removeprefix("act_").isdecimal():
        account = standin.account(node.removeprefix("act_"))
        return _on_account(account, node, edge=edge, verb=verb, params=params)
    found = standin.find(node)
    if found is None:
        return Refusal(100, "Unsupported request: no object has this id", 33)
    return _on_audience(*found, edge=edge, verb=verb, params=params)


def _on_account(
    account: Account, node: str, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    match verb, edge:
        case "GET", "":
            return {"id": node, "account_id": node.removeprefix("act_")}
        case "GET", "customaudiences":
            return _listed(account, params)
        case "POST", "customaudiences":
            return account.create(params)
        case "DELETE", "usersofanyaudience":
            rows = read_rows(params.get("payload"), is_value_based=False)
            if isinstance(rows, str):
                return Refusal(100, f"(#100) {rows}")
            return account.erase(node, rows)
    return Refusal(100, "Unsupported request", 33)


def _listed(account: Account, params: Params) -> Answer:
    limit = min(_whole(params.get("limit"), absent=25), _MOST_A_PAGE)
    first = _whole(params.get("after"), absent=0)
    described = [account.describe(one) for one in account.audiences.values()]
    paging = {"cursors": {"before": str(first), "after": str(first + limit)}}
    if len(described) > first + limit:
        paging |= {"next": {"cursor": str(first + limit)}}
    data = [_fields(one, params) for one in described[first : first + limit]]
    return {"data": data, "paging": paging}


def _whole(text: object, *, absent: int) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else absent


def _fields(described: Answer, params: Params) -> Answer:
    """What was asked for; the id always comes."""
    wanted = {"id", *str(params.get("fields", "")).split(",")}
    return {key: value for key, value in described.items() if key in wanted}


def _on_audience(
    account: Account, audience: Audience, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    match verb, edge:
        case "GET", "":
            # a lookalike is ready after it was looked at a few times
            audience.polls_left = max(0, audience.polls_left - 1)
            return _fields(account.describe(audience), params)
        case "DELETE", "":
            del account.audiences[audience.id]
            return {"success": True}
        case ("POST" | "DELETE", "users") | ("POST", "usersreplace"):
            return _upload(account, audience, edge=edge, verb=verb, params=params)
    return Refusal(100, "Unsupported request", 33)


def _upload(
    account: Account, audience: Audience, *, edge: str, verb: str, params: Params
) -> Answer | Refusal:
    if audience.subtype != "CUSTOM":
        return Refusal(100, "(#100) The members of a lookalike can't be set")
    rows = read_rows(params.get("payload"), is_value_based=audience.is_value_based)
    if isinstance(rows, str):
        return Refusal(100, f"(#100) {rows}")
    session = params.get("session")
    if edge == "usersreplace":
        if not isinstance(session, dict):
            return Refusal(100, "(#100) session is required")
        return account.replace(audience, rows, session)
    if verb == "DELETE":
        return account.remove(audience, rows)
    return account.add(audience, rows)


def _reply(answer: Answer | Refusal, *, account_id: str, minutes: int = 0) -> Response:
    usage = {
        "type": "custom_audience",
        "call_count": 100 if minutes else 1,
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
            said = Refusal(80003, "There have been too many calls to this ad account")
            return _reply(said, account_id=account_id, minutes=fault.minutes)
        case "transient":
            said = Refusal(2, "Service temporarily unavailable", status=500)
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
        answer = _carry_out(standin, request.method, path, params)
        if fault is not None:
            return _spoiled(fault, account_id=account_id)
        return _reply(answer, account_id=account_id)

    return graph


def _admin(standin: GraphStandin) -> list[Route]:
    async def ask_fault(request: Request) -> Response:
        wrong = standin.faults.ask(await request.json())
        return PlainTextResponse(wrong or "asked", status_code=400 if wrong else 200)

    async def drop_faults(_: Request) -> Response:
        standin.faults.waiting.clear()
        return PlainTextResponse("all goes well")

    async def revoke(_: Request) -> Response:
        standin.token_is_revoked = True
        return PlainTextResponse("every token is refused now")

    async def reset(_: Request) -> Response:
        standin.accounts.clear()
        standin.faults.waiting.clear()
        standin.token_is_revoked = False
        return PlainTextResponse("empty")

    async def state(_: Request) -> Response:
        return JSONResponse(
            {
                account_id: {
                    one.name: [dict(member) for member in sorted(one.members)]
                    for one in account.audiences.values()
                }
                for account_id, account in standin.accounts.items()
            }
        )

    async def callers(_: Request) -> Response:
        return JSONResponse(sorted(standin.callers))

    return [
        Route("/_standin/callers", callers),
        Route("/_standin/faults", ask_fault, methods=["POST"]),
        Route("/_standin/faults", drop_faults, methods=["DELETE"]),
        Route("/_standin/revoke", revoke, methods=["POST"]),
        Route("/_standin/reset", reset, methods=["POST"]),
        Route("/_standin/state", state),
    ]


def create_app(clock: Callable[[], float] = time.monotonic) -> Starlette:
    """The stand-in as an ASGI application; `clock` counts seconds."""
    standin = GraphStandin(clock)

    async def home(_: Request) -> Response:
        return HTMLResponse(page(standin.accounts))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    return Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            *_admin(standin),
            Route("/{path:path}", _graph(standin), methods=["GET", "POST", "DELETE"]),
        ]
    )
