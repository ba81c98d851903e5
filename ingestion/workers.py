"""Several workers of one ingest service: forked, watched, ended together.

A worker that dies is started again with its log and its socket: connections that came
meanwhile wait in the socket. Workers end when whoever started them is gone.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 5.0
_STEADY_S: Final = 10.0

_logger = logging.getLogger(__name__)

Serve = Callable[[int, socket.socket, Callable[[], None]], None]
"""Serves as a worker on a socket until SIGTERM; calls back once it is ready."""


@dataclass(slots=True)
class _Worker:
    process: int
    began: float
    fell: int = 0


@dataclass(slots=True)
class Workers:
    """The workers over their sockets; `run` is the whole of it."""

    sockets: Sequence[socket.socket]
    serve: Serve
    _running: dict[int, _Worker] = field(default_factory=dict)
    _lifeline: tuple[int, int] = (-1, -1)
    _ending: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C, then until the last worker has ended.

        A worker that cannot begin has said why: all end then, with its exit code.
        """
        self._lifeline = os.pipe()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end)
        for number in range(len(self.sockets)):
            code = self._started(number)
            if code is not None:
                self._end()
                self._reap_all()
                sys.exit(code)
        while self._running:
            process, status = os.wait()
            number = self._number_of(process)
            fallen = self._running.pop(number)
            if not self._ending.is_set():
                self._start_again(number, fallen, os.waitstatus_to_exitcode(status))

    def _start_again(self, number: int, fallen: _Worker, code: int) -> None:
        lasted = time.monotonic() - fallen.began
        falls = 0 if lasted > _STEADY_S else fallen.fell + 1
        wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**falls)
        _logger.warning(
            "Worker %d ended with %d; it starts again in %.1f s.", number, code, wait
        )
        if not self._ending.wait(wait):
            self._fork(number, falls)

    def _started(self, number: int) -> int | None:
        """Start a worker and wait until it is ready; its exit code where it is not."""
        ready, told = os.pipe()
        process = self._fork(number, 0, told)
        os.close(told)
        try:
            if os.read(ready, 1):
                return None
        finally:
            os.close(ready)
        _, status = os.waitpid(process, 0)
        del self._running[number]
        return os.waitstatus_to_exitcode(status) or 1

    def _fork(self, number: int, falls: int, told: int = -1) -> int:
        process = os.fork()
        if process == 0:
            self._become(number, told)
        self._running[number] = _Worker(process, time.monotonic(), falls)
        return process

    def _become(self, number: int, told: int) -> None:
        """Be a worker, and nothing else any more."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_DFL)
        mine = self.sockets[number]
        for other in self.sockets:
            if other is not mine:
                other.close()
        os.close(self._lifeline[1])
        threading.Thread(
            target=_end_with, args=(self._lifeline[0],), daemon=True
        ).start()

        def ready() -> None:
            if told >= 0:
                os.write(told, b"1")
                os.close(told)

        self.serve(number, mine, ready)
        sys.exit(0)

    def _end(self, *_: object) -> None:
        self._ending.set()
        for worker in self._running.values():
            os.kill(worker.process, signal.SIGTERM)

    def _reap_all(self) -> None:
        for worker in self._running.values():
            os.waitpid(worker.process, 0)
        self._running.clear()

    def _number_of(self, process: int) -> int:
        # there are no other children
        return next(n for n, one in self._running.items() if one.process == process)


def _end_with(lifeline: int) -> None:
    """End as on SIGTERM once the other end of a pipe is gone: nobody watches then."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
