"""The HTTP server of the door with nothing behind it: a body is decoded, no more."""

import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def _take(request: Request) -> Response:
    count = len(orjson.loads(await request.body())["events"])
    return Response(orjson.dumps({"accepted": count}), media_type="application/json")


async def _health(_: Request) -> Response:
    return Response()


if __name__ == "__main__":
    application = Starlette(
        routes=[
            Route("/v1/events", _take, methods=["POST"]),
            Route("/healthz", _health),
        ]
    )
    uvicorn.run(application, port=int(sys.argv[1]), log_config=None, access_log=False)
