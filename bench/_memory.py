"""Resident memory of a process and all its descendants, sampled by a thread.

Pages that processes share count once for each of them.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
_EVERY_S = 0.2
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def tree_bytes(root: int) -> int:
    """What a process and its descendants hold at the moment, in bytes."""
    children: dict[int, list[int]] = {}
    for found in _PROC.iterdir():
        if found.name.isdigit() and (parent := _parent(found)) is not None:
            children.setdefault(parent, []).append(int(found.name))
    waiting, total = [root], 0
    while waiting:
        process = waiting.pop()
        total += _resident_bytes(process)
        waiting += children.get(process, [])
    return total


def _parent(process: Path) -> int | None:
    # a process may end between being listed and being read
    with contextlib.suppress(OSError):
        # the name, in brackets, may hold anything: what follows the last one counts
        after_name = (process / "stat").read_text().rpartition(")")[2]
        return int(after_name.split()[1])
    return None


def _resident_bytes(process: int) -> int:
    with contextlib.suppress(OSError):
        return int((_PROC / f"{process}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


class Watch:
    """Samples a tree of processes while it is open; `peaks` are bytes by stage.

    Stages follow each other; what is sampled between them counts for none.
    """

    def __init__(self, root: int) -> None:
        self.peaks: dict[str, int] = {}
        self.peak_bytes = 0
        self._root = root
        self._stage = ""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sampling, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is sampled meanwhile for a stage, once at its end at least."""
        with self._lock:
            self._stage = name
        try:
            yield
        finally:
            self._sample()
            with self._lock:
                self._stage = ""

    def _sampling(self) -> None:
        self._sample()
        while not self._ended.wait(_EVERY_S):
            self._sample()

    def _sample(self) -> None:
        with self._lock:
            held = tree_bytes(self._root)
            self.peak_bytes = max(self.peak_bytes, held)
            if self._stage:
                self.peaks[self._stage] = max(self.peaks.get(self._stage, 0), held)
