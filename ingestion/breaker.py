"""When to leave alone what is away, and when to try it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

State = Literal["closed", "half_open", "open"]

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 15.0
_FAILURES_TO_OPEN: Final = 3


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row; `chance` is a number from 0 to 1, anew each time.

    Closed while all is well; open after some failures: then everybody waits, longer
    and longer, and half open while one tries. Waits differ by chance, so that several
    who lost the same server don't come back at the same moment.
    """

    chance: Callable[[], float]
    failures: int = 0
    is_trying: bool = False

    @property
    def state(self) -> State:
        """Whether the way is open to work (closed), to one trial, or to none."""
        if self.failures < _FAILURES_TO_OPEN:
            return "closed"
        return "half_open" if self.is_trying else "open"

    def trying(self) -> None:
        """A trial begins."""
        self.is_trying = True

    def succeeded(self) -> None:
        """What was away is back."""
        self.failures, self.is_trying = 0, False

    def failed(self) -> float:
        """A trial failed; the seconds to wait before the next."""
        longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self.failures)
        self.failures, self.is_trying = min(self.failures + 1, 30), False
        return longest * (0.5 + 0.5 * self.chance())
