"""When to leave alone what is away, and when to try it again."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

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


def tell(path: Path, state: State) -> None:
    """Say in a file how a breaker stands; its age tells when that was last said."""
    aside = path.with_suffix(".new")
    with contextlib.suppress(OSError):  # a full disk must not stop who says so
        aside.write_text(state)
        aside.replace(path)


def told(path: Path) -> int:
    """How the breaker of a file stood: 0 closed, 1 half open, 2 open, -1 not known."""
    try:
        return get_args(State).index(path.read_text())
    except (OSError, ValueError):
        return -1


def told_s_ago(path: Path, *, now: float) -> float:
    """Seconds since it was said; -1 where nothing was."""
    try:
        return max(0.0, now - path.stat().st_mtime)
    except OSError:
        return -1.0
