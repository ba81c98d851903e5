"""Whether the disk of the log has room: asked before it is full, not after."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_REMEMBERED_S: Final = 0.5

_logger = logging.getLogger(__name__)


def free_bytes(folder: Path) -> int:
    """What the file system of a folder still gives to us."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Watermark:
    """Says when fewer than `reserve` bytes are free; looks twice a second at most."""

    def __init__(
        self,
        free: Callable[[], int],
        *,
        reserve: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reserve = reserve
        self._free = free
        self._clock = clock
        self._looked_at = -_REMEMBERED_S
        self._is_low = False

    def is_low(self) -> bool:
        """Whether nothing more may be written. Raises OSError."""
        now = self._clock()
        if now - self._looked_at >= _REMEMBERED_S:
            was_low, self._is_low = self._is_low, self._free() < self.reserve
            self._looked_at = now
            if self._is_low != was_low:
                _logger.warning(
                    "The log's disk has %s: events are %s.",
                    f"{'fewer' if self._is_low else 'more'} than"
                    f" {self.reserve // 1024**2} MB free",
                    "refused with 503" if self._is_low else "taken again",
                )
        return self._is_low


def never_low() -> Watermark:
    """A watermark that is never reached."""
    return Watermark(lambda: 1, reserve=0)
