"""What the benchmarks say of memory."""

import os
import subprocess
import sys

from bench._memory import Watch, tree_bytes

_SIZE = 100_000_000
_CHILD = f"held = bytes(range(100)) * {_SIZE // 100}; print('held'); input()"


def test_the_memory_of_a_child_is_its_parents() -> None:
    before = tree_bytes(os.getpid())

    with subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        held = tree_bytes(os.getpid())
        alone = tree_bytes(child.pid)
        child.kill()

    assert alone >= _SIZE
    assert held - before >= _SIZE * 0.9


def test_a_stage_has_the_most_that_was_held_in_it() -> None:
    with Watch(os.getpid()) as watch:
        with watch.stage("empty"):
            pass
        with watch.stage("full"):
            held = bytes(range(100)) * (_SIZE // 100)
            watch._sample()
            del held

    assert watch.peaks["full"] - watch.peaks["empty"] >= _SIZE * 0.9
    assert watch.peak_bytes >= watch.peaks["full"]
