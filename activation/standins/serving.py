"""Run the stand-in: as a process of its own, or inside another one for its tests."""

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

_START_S = 10.0


def serve(port: int) -> None:
    """Serve on this machine alone until SIGTERM.

    Raises StackFailed when the port is taken.
    """
    with _listening(port) as listener:
        _server(time.monotonic).run(sockets=[listener])


@contextmanager
def running(clock: Callable[[], float] = time.monotonic) -> Iterator[str]:
    """The address of a stand-in that lives as long as the block, on a free port."""
    with _listening(0) as listener:
        server = _server(clock)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            _await_start(server)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _server(clock: Callable[[], float]) -> "uvicorn.Server":
    import uvicorn

    # no access log: the SDK puts the access token into URLs
    config = uvicorn.Config(
        Measured(create_app(clock), service="graph-standin"),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
        lifespan="off",
    )
    return uvicorn.Server(config)


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StackFailed(
            f"Port {port} for the Graph API stand-in cannot be had: {error.strerror}."
            " Free it, or set QUESTLOG_GRAPH_STANDIN_PORT."
        ) from error
    return listener


def _await_start(server: "uvicorn.Server") -> None:
    patience_ends = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > patience_ends:
            raise StackFailed("The Graph API stand-in did not start in 10 s.")
        time.sleep(0.01)
