"""What the soak says of memory that stays and memory that grows."""

import math
import os
import subprocess
import sys

from bench.ingest_soak import seen, slope


def looks(an_hour: float, *, noise: float) -> list[tuple[float, float]]:
    """A value of 100 looked at every five seconds for an hour, waving and growing."""
    return [
        (at, 100 + an_hour * at / 3600 + noise * math.sin(at))
        for at in range(0, 3600, 5)
    ]


def test_what_waves_is_flat_and_what_grows_is_not() -> None:
    assert slope(looks(0, noise=5)).is_flat
    assert not slope(looks(10, noise=1)).is_flat


def test_slight_growth_is_flat_and_the_slope_is_right() -> None:
    line = slope(looks(0.5, noise=0.1))

    assert line.is_flat
    assert line.least < 0.5 < line.most
    assert round(line.mean) == 100


def test_what_grows_while_it_warms_up_does_not_count() -> None:
    warming = [(at, min(at, 700.0)) for at in range(0, 3600, 5)]

    assert slope(warming).is_flat


def test_what_a_process_holds_includes_its_children() -> None:
    alone = seen(os.getpid())
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "held = bytearray(64 << 20); print(flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        together = seen(os.getpid())
        child.communicate(b"\n")

    assert 60 < together[0] - alone[0] < 200
    # its own three, and our ends of two pipes
    assert together[1] - alone[1] == 5
