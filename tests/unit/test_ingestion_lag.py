"""How long what is durable has waited: right whoever asks, flat when nobody does."""

import sys

from ingestion.lag import Lag
from warehouse.errors import LogUnusable


class Logged:
    """A log and its loader, at a clock of their own."""

    def __init__(self) -> None:
        self.clock, self.end, self.loaded = 0.0, 0, 0
        self.is_readable = True
        self.lag = Lag(lambda: self.end, self._position, lambda: self.clock)

    def _position(self) -> int:
        if not self.is_readable:
            raise LogUnusable("It cannot be read.")
        return self.loaded

    def goes_on(self, seconds: int, *, behind: int = 1) -> None:
        """A record a second, loaded so many records later."""
        for _ in range(seconds):
            self.clock += 1
            self.end += 1
            self.loaded = max(self.loaded, self.end - behind)
            self.lag.note()


def test_hours_in_which_nobody_asks_leave_no_notes() -> None:
    logged = Logged()
    logged.goes_on(10)
    after_ten = sys.getsizeof(logged.lag._notes), len(logged.lag._notes)

    logged.goes_on(20_000)

    assert (sys.getsizeof(logged.lag._notes), len(logged.lag._notes)) == after_ten


def test_who_asks_after_hours_is_told_what_waits_now() -> None:
    logged = Logged()
    logged.goes_on(9_000, behind=60)

    assert 59 <= logged.lag.age_s() <= 61


def test_a_position_that_cannot_be_read_holds_up_nobody() -> None:
    logged = Logged()
    logged.goes_on(100)

    logged.is_readable = False
    logged.goes_on(100, behind=100)
    logged.is_readable = True

    assert 98 <= logged.lag.age_s() <= 101
