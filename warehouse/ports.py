"""Ports for processes that live for a while, as those of tests and benchmarks do."""

import secrets
import socket
from typing import Final

from warehouse.errors import Unavailable

_CHOICE: Final = range(20_000, 32_000)
_TRIES: Final = 100


def free_port(among: range = _CHOICE) -> int:
    """A port of this machine that nobody listens on.

    It stays free until a process that is started with it listens: the kernel gives
    out others by itself (from 32768 on), and who asks here too has his own by chance.
    Raises Unavailable when none is found.
    """
    for _ in range(_TRIES):
        port = secrets.choice(among)
        with socket.socket() as probe:
            if not _is_taken(probe, port):
                return port
    raise Unavailable(
        f"No free port found from {among.start} to {among.stop - 1}."
        " See who listens with `ss -ltn`."
    )


def _is_taken(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False
