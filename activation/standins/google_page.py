"""The page beside the stand-in of Google's ad APIs, and how to make it go wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from activation.standins.faults import Chance
from activation.standins.google_faults import DRAWN, GoogleFault, GoogleStandin
from activation.standins.page import google_page

_SETTABLE = frozenset(
    {"is_slow", "looks_until_done", "fails_because", "takes_jobs", "terms_are_accepted"}
)


def create_app(standin: GoogleStandin) -> Starlette:
    """The page, the state as JSON, and faults that can be asked for."""

    async def home(_: Request) -> Response:
        return HTMLResponse(google_page(standin))

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def state(_: Request) -> Response:
        held = standin.state
        return JSONResponse(
            {
                customer: {one.name: held.members(customer, one.name) for one in lists}
                for customer, lists in (
                    (customer, list(lists.values()))
                    for customer, lists in held.lists.items()
                )
            }
        )

    async def events(_: Request) -> Response:
        return JSONResponse(list(standin.state.events.values()))

    async def finish(request: Request) -> Response:
        standin.state.finish(last_first=request.query_params.get("last") == "first")
        return PlainTextResponse("finished")

    return Starlette(
        routes=[
            Route("/", home),
            Route("/healthz", healthz),
            Route("/_standin/state", state),
            Route("/_standin/events", events),
            Route("/_standin/finish", finish, methods=["POST"]),
            Route("/_standin/faults", _asking(standin), methods=["POST", "DELETE"]),
            Route("/_standin/behaviour", _setting(standin), methods=["POST"]),
        ]
    )


def _asking(standin: GoogleStandin) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        if request.method == "DELETE":
            standin.faults.clear()
            standin.chance = None
            return PlainTextResponse("all goes well")
        wanted: dict[str, Any] = await request.json()
        try:
            if "seed" in wanted:
                standin.chance = Chance(**{"kinds": DRAWN, **wanted})
            else:
                standin.faults.append(GoogleFault(**wanted))
        except TypeError as error:
            return PlainTextResponse(str(error), status_code=400)
        return PlainTextResponse("asked")

    return ask


def _setting(standin: GoogleStandin) -> Callable[[Request], Awaitable[Response]]:
    async def behave(request: Request) -> Response:
        wanted: dict[str, Any] = await request.json()
        if not set(wanted) <= _SETTABLE:
            known = ", ".join(sorted(_SETTABLE))
            return PlainTextResponse(f"known are {known}", status_code=400)
        for name, value in wanted.items():
            setattr(standin.state, name, value)
        return PlainTextResponse("noted")

    return behave
