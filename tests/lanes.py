"""`make test`: two processes of pytest side by side, each with half of the work.

The first lane is shown as it runs; what the second said follows it, whole.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import IO

HEAVY = (
    *("tests/spec", "tests/dags", "tests/end_to_end"),
    *("tests/integration/test_models_build.py",),
    *("tests/integration/test_models_invoices.py",),
    *("tests/integration/audiences",),
    *("tests/integration/ledger",),
    *("tests/integration/test_question_cases.py",),
)
"""Few and long tests: roughly half of the time in all."""

LANES: Sequence[Sequence[str]] = (
    HEAVY,
    # all that is not in the first lane, so that no test can be forgotten
    ("tests", *(f"--ignore={place}" for place in HEAVY)),
)


class Ended(Exception):
    """Somebody asked for the end of the run."""


def run(commands: Sequence[Sequence[str]]) -> int:
    """Run commands side by side; 0 if all ended well, else the first failure.

    On Ctrl-C or SIGTERM each is interrupted and may tidy up: 130.
    """
    with contextlib.ExitStack() as stack:
        said = [None, *(stack.enter_context(_kept()) for _ in commands[1:])]
        stack.enter_context(_ending_by_signals())
        lanes: list[subprocess.Popen[bytes]] = []
        try:
            for command, output in zip(commands, said, strict=True):
                lanes.append(_started(command, output))
            codes = [lane.wait() for lane in lanes]
        except Ended:
            codes = [130]
        finally:
            _end(lanes)
        for output in said[1:]:
            _show(output)
    return next((code if code > 0 else 1 for code in codes if code), 0)


def _kept() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _started(
    command: Sequence[str], output: IO[bytes] | None
) -> "subprocess.Popen[bytes]":
    # a session of its own: Ctrl-C reaches it through us, once, and not its engines
    return subprocess.Popen(
        command, stdout=output, stderr=output, start_new_session=True
    )


@contextlib.contextmanager
def _ending_by_signals() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        # once is enough: what is interrupted now is tidying up
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Ended

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _end(lanes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Interrupt whoever still runs, and wait until engines are stopped."""
    for lane in lanes:
        if lane.poll() is None:
            lane.send_signal(signal.SIGINT)
    for lane in lanes:
        try:
            lane.wait(60)
        except subprocess.TimeoutExpired:
            lane.kill()
            lane.wait()


def _show(output: IO[bytes] | None) -> None:
    if output is None:
        return
    output.seek(0)
    sys.stdout.flush()
    sys.stdout.buffer.write(output.read())
    sys.stdout.flush()


def main() -> int:
    """Run both lanes, each with a cache of its own."""
    started = time.monotonic()
    code = run(
        [
            [
                *(sys.executable, "-m", "pytest", *words),
                *("-o", f"cache_dir=.pytest_cache/lane_{number}"),
            ]
            for number, words in enumerate(LANES, 1)
        ]
    )
    used = os.times()
    print(
        f"both lanes: {'passed' if code == 0 else 'FAILED'},"
        f" {time.monotonic() - started:.0f} s,"
        f" {used.children_user + used.children_system:.0f} CPU s"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
