"""The two lanes of `make test`: whole output, the right end, no test twice."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lanes import HEAVY, LANES
from warehouse.settings import REPOSITORY

RUN = "import sys; from tests.lanes import run; sys.exit(run({commands!r}))"
WAITING = (
    "import pathlib, sys, time\n"
    "there = pathlib.Path(sys.argv[1])\n"
    "try:\n"
    "    there.with_suffix('.up').touch()\n"
    "    time.sleep(60)\n"
    "finally:\n"
    "    there.with_suffix('.tidied').touch()\n"
)


def lanes(*commands: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(commands=list(commands))],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 0), (0, 4)])
def test_a_failure_in_either_lane_is_a_failure(first: int, second: int) -> None:
    code = "import sys; print('said', sys.argv[1]); sys.exit(int(sys.argv[1]))"

    running = lanes(python(code, str(first)), python(code, str(second)))
    said, _ = running.communicate(timeout=60)

    assert running.returncode == (first or second)
    assert said.splitlines() == [f"said {first}", f"said {second}"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_the_run_ends_both_lanes_and_lets_them_tidy_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    running = lanes(
        *(python(WAITING, str(tmp_path / name)) for name in ("first", "second"))
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.up"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)

    running.send_signal(number)
    running.communicate(timeout=60)

    assert running.returncode == 130
    assert len(list(tmp_path.glob("*.tidied"))) == 2


def test_every_test_is_in_exactly_one_lane() -> None:
    heavy, rest = LANES

    assert tuple(heavy) == HEAVY
    assert rest[0] == "tests"
    assert set(rest[1:]) == {f"--ignore={place}" for place in heavy}
    assert all((REPOSITORY / place).exists() for place in heavy)
