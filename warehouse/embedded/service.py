"""The endpoint as a process: a port, a data directory, and a prompt end."""

import ctypes
import logging
import os
import socket
import sys
import threading
import time
from types import FrameType

from warehouse.embedded.app import Endpoint
from warehouse.embedded.engine import Engine
from warehouse.embedded.power import notice_a_new_start
from warehouse.embedded.users import Doorkeeper, load
from warehouse.errors import StackFailed
from warehouse.home import Home
from warehouse.served import Measured
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

_BACKLOG = 512
_PATIENCE_SECONDS = 1.3
_MALLOPT = {-3: 32 << 20, -1: 64 << 20}
"""M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h, at the most that glibc itself
comes to, once a process has freed a block so large."""

_KEEP_ALIVE_SECONDS = 30
"""How long a connection may be idle, as ClickHouse has it: clients count on that."""


def serve(settings: Settings) -> None:
    """Serve the engine of a home on loopback until SIGTERM.

    Raises StackFailed when the port is taken or the folder cannot be opened.
    """
    import uvicorn

    from warehouse.embedded.early import Protocol

    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s"
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    _keep_utc()
    _keep_freed_memory()
    home = Home(settings.home)
    port, folder = settings.endpoint_port, home.engine.resolve()
    listener = _bound(port)
    patterns = {name for known in load(home.users) for name in known.databases}
    engine = Engine(
        folder,
        patterns,
        backups=home.backups.resolve(),
        fsync=settings.endpoint_fsync,
    )
    notice_a_new_start(folder, engine.forget_what_is_built)
    doorkeeper = Doorkeeper(
        home.users, user=settings.clickhouse_user, password=settings.clickhouse_password
    )
    endpoint = Endpoint(engine, spool=folder / "tmp", doorkeeper=doorkeeper)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            del sig, frame
            self.should_exit = True
            for end in (engine.kill_all, _exit_soon):
                threading.Thread(target=end, daemon=True).start()

    config = uvicorn.Config(
        Measured(endpoint, service="clickhouse"),
        loop="uvloop",
        http=Protocol,
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    logger.info("clickhouse endpoint on http://127.0.0.1:%s, data in %s", port, folder)
    Server(config).run(sockets=[listener])
    if endpoint.stopped(within_seconds=_PATIENCE_SECONDS):
        engine.close()
    else:
        os._exit(0)


def _exit_soon() -> None:
    """End the process though something still runs: the engine may be killed always."""
    time.sleep(_PATIENCE_SECONDS)
    os._exit(0)


def _is_news(record: logging.LogRecord) -> bool:
    """An error in mid-stream is told by ending without a last chunk, on purpose."""
    unfinished = "without completing response" in record.getMessage()
    return record.levelno >= logging.WARNING and not unfinished


def _keep_utc() -> None:
    """The engine takes its time zone from the process; storage is UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()


def _keep_freed_memory() -> None:
    """Use the memory of one piece of a body for the next.

    Else the allocator hands each piece back to the system, which clears every page of
    it anew: a fifth of the CPU time that an INSERT's way to the engine takes.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in _MALLOPT.items():
            mallopt(parameter, value)


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
