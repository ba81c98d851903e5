"""A network between two programs of this machine that can be cut."""

import contextlib
import socket
import struct
import threading
import time
from typing import Final, Self

_RESET: Final = struct.pack("ii", 1, 0)
_CHUNK: Final = 1 << 16


class Cutter:
    """Passes connections on to a port; `port` is where it listens itself."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._dead_until = 0.0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self.cut(0)

    def cut(self, seconds: float) -> None:
        """Break all connections off, and let none through for a while."""
        self._dead_until = time.monotonic() + seconds
        with self._guard:
            broken, self._open = self._open, set()
        for one in broken:
            _broken_off(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                if time.monotonic() < self._dead_until:
                    _broken_off(near)
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    _broken_off(near)
                    continue
                with self._guard:
                    self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    words = (one, other)
                    threading.Thread(target=self._pass, args=words, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(_CHUNK):
                other.sendall(data)
        for end in (one, other):
            with self._guard:
                self._open.discard(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _broken_off(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
