"""The sockets on which the ingest service listens."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from warehouse.errors import StackFailed
from warehouse.settings import Settings

BACKLOG: Final = 2048
_PATIENCE_S: Final = 2.0
_EVERY_S: Final = 0.05


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The one socket of a single worker. Raises StackFailed when the port is taken."""
    try:
        opened = _bound(settings)
    except OSError as error:
        raise _taken(settings, error) from error
    with opened:
        opened.listen(BACKLOG)
        yield opened


@contextmanager
def shared(settings: Settings, workers: int) -> Iterator[list[socket.socket]]:
    """A socket for each worker, all of one address; the system shares connections out.

    None listens yet: connections go to those that do. Raises StackFailed when the port
    is taken, and is patient with workers that are just about to end.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            # alone for a moment: sockets that share would share with strangers too
            _bound(settings).close()
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise _taken(settings, error) from error
            time.sleep(_EVERY_S)
    with ExitStack() as held:
        yield [
            held.enter_context(_bound(settings, is_shared=True)) for _ in range(workers)
        ]


def _bound(settings: Settings, *, is_shared: bool = False) -> socket.socket:
    host = settings.ingest_host
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind((host, settings.ingest_port))
    except OSError:
        made.close()
        raise
    return made


def _taken(settings: Settings, error: OSError) -> StackFailed:
    address = f"{settings.ingest_host}:{settings.ingest_port}"
    return StackFailed(
        f"The ingest service cannot listen on {address}: {error.strerror}."
        " Stop what holds the port, or set QUESTLOG_INGEST_PORT or"
        " QUESTLOG_INGEST_HOST."
    )
