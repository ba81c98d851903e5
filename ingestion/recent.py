"""Remember some things lately seen, in bounded memory."""

from collections.abc import Iterable
from typing import Final

_GENERATION: Final = 100_000


class Recent:
    """Tells how many of some ids came before, among the last hundred thousand at least.

    Two generations: when the younger is full, the older is forgotten.
    """

    def __init__(self, generation: int = _GENERATION) -> None:
        self._generation = generation
        self._young: set[int] = set()
        self._old: set[int] = set()

    def again(self, ids: Iterable[str]) -> int:
        """How many of these were seen before, or twice now; they are seen from now."""
        count = 0
        for one in map(hash, ids):
            if one in self._young or one in self._old:
                count += 1
            else:
                self._young.add(one)
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, set()
        return count
