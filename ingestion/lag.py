"""How long what is durable and not loaded has waited."""

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from warehouse.errors import QuestlogError

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
        """Note where the log ends now, once a second at most; forget what is loaded.

        Else notes would heap up while nobody asks for the age.
        """
        now = self._seconds()
        if not self._notes or now - self._notes[-1][0] >= _NOTED_EVERY_S:
            # how far loaders are may be unreadable: whoever asks for the age is told
            with contextlib.suppress(QuestlogError):
                self._forget(self._loaded())
            self._notes.append((now, self._end()))
        if len(self._notes) > _MOST_NOTES:
            self._notes = deque(itertools.islice(self._notes, 0, None, 2))

    def age_s(self) -> float:
        """Seconds since the log ended beyond what is loaded; 0 when all is."""
        loaded = self._loaded()
        if loaded >= self._end():
            self._notes.clear()
            return 0.0
        self._forget(loaded)
        self.note()
        return self._seconds() - self._notes[0][0]

    def _forget(self, loaded: int) -> None:
        while self._notes and self._notes[0][1] <= loaded:
            self._notes.popleft()
