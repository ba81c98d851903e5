"""How long what is durable and not loaded has waited."""

import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Final

_NOTED_EVERY_S: Final = 1.0
_MOST_NOTES: Final = 10_000


class Lag:
    """The age of the oldest that waits, from notes of when the log ended where.

    What a log held before this process began waits since the process began.
    """

    def __init__(
        self,
        end: Callable[[], int],
        loaded: Callable[[], int],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._end = end
        self._loaded = loaded
        self._seconds = seconds
        self._notes: deque[tuple[float, int]] = deque([(seconds(), end())])

    def note(self) -> None:
        """Note where the log ends now, once a second at most."""
        now = self._seconds()
        if not self._notes or now - self._notes[-1][0] >= _NOTED_EVERY_S:
            self._notes.append((now, self._end()))
        if len(self._notes) > _MOST_NOTES:
            self._notes = deque(itertools.islice(self._notes, 0, None, 2))

    def age_s(self) -> float:
        """Seconds since the log ended beyond what is loaded; 0 when all is."""
        loaded = self._loaded()
        if loaded >= self._end():
            self._notes.clear()
            return 0.0
        while self._notes and self._notes[0][1] <= loaded:
            self._notes.popleft()
        self.note()
        return self._seconds() - self._notes[0][0]
