"""Run a stand-in: as a process of its own, or inside another one for its tests."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from activation.standins.graph import create_app
from warehouse.errors import StackFailed
from warehouse.served import Measured

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

_START_S = 10.0
_GRAPH = ("the Graph API stand-in", "QUESTLOG_GRAPH_STANDIN_PORT")
_PAGE = ("the page of Google's stand-in", "QUESTLOG_GOOGLE_STANDIN_PAGE_PORT")


def serve(port: int) -> None:
    """Serve the Graph API's on this machine alone until SIGTERM.

    Raises StackFailed when the port is taken.
    """
    with _listening(port, *_GRAPH) as listener:
        _server(create_app(time.monotonic), "graph-standin").run(sockets=[listener])


@contextmanager
def running(clock: Callable[[], float] = time.monotonic) -> Iterator[str]:
    """The address of a stand-in that lives as long as the block, on a free port."""
    app = create_app(clock)
    with _listening(0, *_GRAPH) as listener, _beside(app, "graph-standin", listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serving_beside(app: "Starlette", port: int) -> Iterator[str]:
    """The address of a page that is served as long as the block; 0: any free port.

    Raises StackFailed when the port is taken.
    """
    with _listening(port, *_PAGE) as listener, _beside(app, "google-standin", listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _beside(app: "Starlette", service: str, listener: socket.socket) -> Iterator[None]:
    server = _server(app, service)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        _await_start(server)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _server(app: "Starlette", service: str) -> "uvicorn.Server":
    import uvicorn

    # no access log: the SDK puts the access token into URLs
    config = uvicorn.Config(
        Measured(app, service=service),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
        lifespan="off",
    )
    return uvicorn.Server(config)


def _listening(port: int, what: str, setting: str) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StackFailed(
            f"Port {port} for {what} cannot be had: {error.strerror}."
            f" Free it, or set {setting}."
        ) from error
    return listener


def _await_start(server: "uvicorn.Server") -> None:
    patience_ends = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > patience_ends:
            raise StackFailed("A stand-in did not start in 10 s.")
        time.sleep(0.01)
