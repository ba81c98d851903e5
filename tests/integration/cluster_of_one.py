"""A stand-in of a cluster: one endpoint that hears what a cluster would be told.

It notes each statement as it was sent, takes out of it what only a cluster knows, and
passes the rest on to the embedded endpoint, so that everything that follows is real:
tables are made, filled, built by dbt and published. What it can't show is replication.
"""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import requests
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CLUSTER: Final = "of_three"
_CLUSTERS: Final = f"('{CLUSTER}', 1), ('sharded', 1), ('sharded', 2)"
_TAKEN_OUT: Final = (
    (re.compile(rf'\bon\s+cluster\s+"{CLUSTER}"', re.IGNORECASE), ""),
    (re.compile(r"\bReplicated(\w*MergeTree)\s*\([^()]*\)"), r"\1()"),
    (
        re.compile(rf'clusterAllReplicas\("{CLUSTER}", system\.(tables|processes)\)'),
        r"(select *, 1 as _shard_num from system.\1)",
    ),
    (
        re.compile(r"\bsystem\.clusters\b"),
        f"(select * from values('cluster String, shard_num UInt32', {_CLUSTERS}))",
    ),
    # there is no other server to wait for
    (
        re.compile(r"\bsystem\s+sync\s+replica\b.*", re.IGNORECASE | re.DOTALL),
        "select 1",
    ),
)
_OF_ONE_CONNECTION: Final = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
}


@dataclass
class Heard:
    """What a cluster was told, in order, and where it listens."""

    port: int
    statements: list[str] = field(default_factory=list)


@contextlib.contextmanager
def cluster_of_one(endpoint_port: int) -> Iterator[Heard]:
    """Listen before an endpoint for as long as the block runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        heard = Heard(listener.getsockname()[1])
        app = Starlette(routes=[_relay(heard, f"http://127.0.0.1:{endpoint_port}")])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield heard
        finally:
            server.should_exit = True
            thread.join(30)


def _relay(heard: Heard, address: str) -> Route:
    wire = requests.Session()
    wire.trust_env = False

    async def passed_on(request: Request) -> Response:
        body, asked = await request.body(), dict(request.query_params)
        if "query" in asked:
            heard.statements.append(asked["query"])
            asked["query"] = _understood(asked["query"])
        elif (
            "content-encoding" not in request.headers
        ):  # else rows, packed by the client
            heard.statements.append(body.decode())
            body = _understood(body.decode()).encode()
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in _OF_ONE_CONNECTION
        }
        answer = await run_in_threadpool(
            wire.request,
            request.method,
            address + request.url.path,
            params=asked,
            data=body,
            headers=headers | {"accept-encoding": "identity"},
        )
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in _OF_ONE_CONNECTION
        }
        return Response(answer.content, answer.status_code, kept)

    return Route("/{rest:path}", passed_on, methods=["GET", "POST"])


def _understood(statement: str) -> str:
    for pattern, instead in _TAKEN_OUT:
        statement = pattern.sub(instead, statement)
    return statement
