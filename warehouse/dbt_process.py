"""Run dbt in processes that need not import it: they are forked from one that has.

To import dbt takes longer than many of its runs. Each run still has a process of its
own, because dbt keeps state in its module globals and reads the environment while it
parses; the process that only imports and forks ends with the one that started it.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

_ASKING = threading.Lock()
_BROKEN = 1
_KILLED = 128
_REQUEST_LIMIT = 1 << 24


class _Forker:
    """The process that has imported dbt, and the line to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", line: socket.socket) -> None:
        self.owner = os.getpid()
        self._process = process
        self._line = line

    @classmethod
    def start(cls) -> Self:
        """Start one; it imports while it waits for its first request."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        return cls(process, ours)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
        """The exit code of one dbt command; 1 where this process is gone."""
        request = json.dumps(
            {
                "arguments": list(arguments),
                "environment": dict(environment),
                "folder": str(Path.cwd()),
            }
        )
        try:
            socket.send_fds(self._line, [b"!"], [1, 2])
            self._line.sendall(f"{request}\n".encode())
            answer = self._line.makefile("rb").readline()
        except OSError:
            return _BROKEN
        return int(answer) if answer else _BROKEN

    def is_alive(self) -> bool:
        return self.owner == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Let it go: it ends when nobody is on the line."""
        if self.owner == os.getpid():
            self._line.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)


_forker: _Forker | None = None


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one dbt command, such as `["build"]`, in this environment; its exit code.

    What dbt prints goes where this process prints. One command runs at a time.
    """
    global _forker  # noqa: PLW0603  one for each process, as an import is
    with _ASKING:
        if _forker is None or not _forker.is_alive():
            _forker = _Forker.start()
            atexit.register(_forker.end)
        return _forker.run(arguments, environment)


def main() -> None:
    """Import dbt, then fork for each request on the given line until it is closed."""
    # Ctrl-C is for the runs; this process ends when its owner does
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as line:
        import dbt.adapters.clickhouse
        import dbt.cli.main  # noqa: F401  imported for the runs to come

        while True:
            mark, outputs, *_ = socket.recv_fds(line, 1, 2)
            if not mark:
                return
            with line.makefile("rb") as requests:
                request = json.loads(requests.readline(_REQUEST_LIMIT))
            child = os.fork()
            if not child:
                line.close()
                _become(outputs, request)
            for output in outputs:
                os.close(output)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            line.sendall(b"%d\n" % (code if code >= 0 else _KILLED - code))


def _become(outputs: Sequence[int], request: Mapping[str, Any]) -> NoReturn:
    """Run the command of a request in this process, and end with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ours, given in zip((1, 2), outputs, strict=True):
        os.dup2(given, ours)
        os.close(given)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    from dbt.cli.main import cli

    cli(request["arguments"], prog_name="dbt")
    raise SystemExit


if __name__ == "__main__":
    main()
