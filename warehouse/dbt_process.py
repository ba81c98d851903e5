"""Run dbt in processes that need neither import it nor read its project.

To import dbt and to read a project take longer than many runs. Two processes do it
once: the first imports and forks; a fork of it reads the project under the settings of
a run, and forks for that run and for all that follow under the same. Each run has a
process of its own, because dbt keeps state in its module globals and writes into the
nodes it has read. All of them end with the process that started the first, a run in
its middle too: else it would go on beside the next.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_ASKING = threading.Lock()
_BROKEN = 1
_MISUSED = 2
_KILLED = 128
_LEFT = -1
_REQUEST_LIMIT = 1 << 24

_Request: TypeAlias = Mapping[str, Any]
_Answering: TypeAlias = Callable[[_Request, Sequence[int]], int]


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    project: Path | None = None,
    options: Sequence[str] = (),
    outputs: tuple[int, int] = (1, 2),
) -> int:
    """Run one dbt command, such as `["build"]`, in this environment; its exit code.

    `options` say how the project in the folder `project` is read: `dbt parse` takes
    them as the command does. Without a project the command is run as it is. What dbt
    prints goes to `outputs`: where this process prints. One command runs at a time.
    """
    global _forker  # noqa: PLW0603  one for each process, as an import is
    request = {
        "command": list(command),
        "environment": dict(environment),
        "folder": str(Path.cwd()),
        "project": str(project) if project else "",
        "options": list(options),
    }
    with _ASKING:
        if _forker is None or not _forker.is_alive():
            _forker = _Forker.start()
            atexit.register(_forker.end)
        return _ask(_forker.line, request, outputs)


class _Forker:
    """The process that has imported dbt, and the line to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", line: socket.socket) -> None:
        self.line = line
        self._owner = os.getpid()
        self._process = process

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

    def is_alive(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Let it go: it ends when nobody is on the line."""
        if self._owner == os.getpid():
            self.line.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)


_forker: _Forker | None = None


def _ask(
    line: socket.socket,
    request: _Request,
    outputs: Sequence[int],
    owner: socket.socket | None = None,
) -> int:
    """The exit code of a request sent over a line; 1 where nobody answers.

    -1 where the owner has left meanwhile, whose line this process serves.
    """
    try:
        socket.send_fds(line, [b"!"], outputs)
        line.sendall(f"{json.dumps(request)}\n".encode())
        if owner and _is_gone(owner, unless=line):
            return _LEFT
        answer = line.makefile("rb").readline()
    except OSError:
        return _BROKEN
    return int(answer) if answer else _BROKEN


def _is_gone(owner: socket.socket, *, unless: socket.socket | int) -> bool:
    """Wait for one of two: the owner's end, for whom we work, or what it waits for."""
    told, _, _ = select.select([owner, unless], [], [])
    # the owner says nothing while it waits: what it says is that it is gone
    return unless not in told


def _serve(line: socket.socket, answer: _Answering) -> None:
    """Answer what comes over a line, until it is closed."""
    while True:
        mark, outputs, *_ = socket.recv_fds(line, 1, 2)
        if not mark:
            return
        with line.makefile("rb") as requests:
            request = json.loads(requests.readline(_REQUEST_LIMIT))
        code = answer(request, outputs)
        for output in outputs:
            os.close(output)
        try:
            line.sendall(b"%d\n" % code)
        except OSError:
            return


def main() -> None:
    """Import dbt, then answer on the given line until it is closed."""
    # Ctrl-C is for the runs; this process ends when its owner does
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import dbt.adapters.clickhouse
    import dbt.cli.main  # noqa: F401  imported for the runs to come

    line = socket.socket(fileno=int(sys.argv[1]))
    _serve(line, _Importer(line).answer)


@dataclass(frozen=True)
class _Reader:
    """A fork that has read the project, and the line to it."""

    process: int
    line: socket.socket
    has_read: str

    def is_alive(self) -> bool:
        return os.waitpid(self.process, os.WNOHANG) == (0, 0)

    def end(self) -> None:
        self.line.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.process, 0)


class _Importer:
    """Answers where dbt is imported: what needs a project, its reader answers."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._reader: _Reader | None = None

    def answer(self, request: _Request, outputs: Sequence[int]) -> int:
        if not request["project"]:
            return _in_a_fork(lambda: _run(request, outputs), self._line, self._lines())
        read = _what_is_read(request)
        reader = self._reader
        if reader is None or reader.has_read != read or not reader.is_alive():
            if reader:
                reader.end()
            reader = self._reader = self._started(request, read)
        code = _ask(reader.line, request, outputs, owner=self._line)
        if code == _LEFT:
            reader.end()
        return code

    def _started(self, request: _Request, read: str) -> _Reader:
        ours, theirs = socket.socketpair()
        process = os.fork()
        if not process:
            _close([*self._lines(), ours])
            _serve(theirs, _ReadProject(theirs, request).answer)
            raise SystemExit
        theirs.close()
        return _Reader(process, ours, read)

    def _lines(self) -> list[socket.socket]:
        return [self._line, *([self._reader.line] if self._reader else [])]


class _ReadProject:
    """Answers where a project is read, or will be with the first request."""

    def __init__(self, line: socket.socket, request: _Request) -> None:
        self._line = line
        self._manifest: Manifest | None = None
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])

    def answer(self, request: _Request, outputs: Sequence[int]) -> int:
        if self._manifest is None:
            self._read(request, outputs)
        if self._manifest is None:
            return _MISUSED
        return _in_a_fork(
            lambda: _run(request, outputs, self._manifest), self._line, [self._line]
        )

    def _read(self, request: _Request, outputs: Sequence[int]) -> None:
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        _print_to(outputs)
        read = dbtRunner().invoke(["--quiet", "parse", *request["options"]])
        with Path(os.devnull).open("wb") as nowhere:
            _print_to([nowhere.fileno()] * 2)
        if isinstance(read.result, Manifest):
            self._manifest = read.result
        # what is read is never freed: forks needn't look at it for garbage
        gc.freeze()


def _what_is_read(request: _Request) -> str:
    """What decides what is read from a project: settings, and times of its files."""
    files = sorted(
        (str(path), status.st_mtime_ns, status.st_size)
        for path in Path(request["project"]).rglob("*")
        for status in [path.stat()]
    )
    return json.dumps(
        [request["environment"], request["folder"], request["options"], files]
    )


def _in_a_fork(
    work: Callable[[], NoReturn], owner: socket.socket, lines: Sequence[socket.socket]
) -> int:
    """The exit code of a fork without these lines, which ends when the owner does."""
    child = os.fork()
    if not child:
        _close(lines)
        work()
    ending = os.pidfd_open(child)
    if _is_gone(owner, unless=ending):
        os.kill(child, signal.SIGKILL)
    os.close(ending)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else _KILLED - code


def _close(lines: Sequence[socket.socket]) -> None:
    for line in lines:
        line.close()


def _run(
    request: _Request, outputs: Sequence[int], manifest: "Manifest | None" = None
) -> NoReturn:
    """Run the command of a request in this process, and end with it."""
    from dbt.cli.main import dbtRunner

    signal.signal(signal.SIGINT, signal.default_int_handler)
    _print_to(outputs)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    done = dbtRunner(manifest).invoke([*request["command"], *request["options"]])
    if done.exception:
        sys.stderr.write(f"{done.exception}\n")
    raise SystemExit(0 if done.success else _MISUSED if done.exception else _BROKEN)


def _print_to(outputs: Sequence[int]) -> None:
    """Let this process print to these files: standard output and standard error."""
    sys.stdout.flush()
    sys.stderr.flush()
    for ours, given in zip((1, 2), outputs, strict=True):
        os.dup2(given, ours)


if __name__ == "__main__":
    main()
