"""The endpoint as a process: a port, a data directory, and a prompt end."""

import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from warehouse.embedded.app import Endpoint
from warehouse.embedded.engine import Engine
from warehouse.errors import StackFailed

logger = logging.getLogger(__name__)

_BACKLOG = 512


def serve(folder: Path, port: int, *, user: str, password: str) -> None:
    """Serve the engine of a folder on loopback until SIGTERM.

    Raises StackFailed when the port is taken or the folder cannot be opened.
    """
    import uvicorn

    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s"
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    _keep_utc()
    listener = _bound(port)
    folder = folder.resolve()
    engine = Engine(folder)
    endpoint = Endpoint(engine, spool=folder / "tmp", user=user, password=password)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            del sig, frame
            threading.Thread(target=engine.kill_all, daemon=True).start()
            self.should_exit = True

    config = uvicorn.Config(
        endpoint,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    logger.info("clickhouse endpoint on http://127.0.0.1:%s, data in %s", port, folder)
    Server(config).run(sockets=[listener])
    if endpoint.stopped(within_seconds=0.3):
        engine.close()
    else:
        # the engine is safe to kill at any moment; waiting for it is not prompt
        os._exit(0)


def _is_news(record: logging.LogRecord) -> bool:
    """An error in mid-stream is told by ending without a last chunk, on purpose."""
    unfinished = "without completing response" in record.getMessage()
    return record.levelno >= logging.WARNING and not unfinished


def _keep_utc() -> None:
    """The engine takes its time zone from the process; storage is UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise StackFailed(
            f"Port {port} of 127.0.0.1 is taken, so the ClickHouse endpoint cannot"
            " start. Stop what uses it, or set QUESTLOG_ENDPOINT_PORT to another port."
        ) from error
    return listener
