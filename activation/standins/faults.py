"""Faults that can be asked of a stand-in, to see how a client takes them.

They are asked one by one, or drawn by a seed, so that a run can be had again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

KINDS = ("html_502", "html_200", "lost_reply", "throttle", "transient", "refuse")
DRAWN = ("html_502", "html_200", "lost_reply", "throttle", "transient")


@dataclass(slots=True)
class Fault:
    """Something that goes wrong `times` times, after `after` calls went well.

    `edge` limits it to calls whose path ends so; `method` to that HTTP method. A
    `lost_reply` is carried out and answered with an error page. `refuse` answers with
    `code` and `subcode`, as Meta would.
    """

    kind: str
    times: int = 1
    after: int = 0
    edge: str = ""
    method: str = ""
    minutes: int = 1
    code: int = 0
    subcode: int = 0


@dataclass(slots=True)
class Chance:
    """Each call goes wrong with a share's chance, in a way that the seed draws."""

    seed: int
    share: float
    kinds: tuple[str, ...] = DRAWN
    draws: Random = field(init=False)

    def __post_init__(self) -> None:
        # a seed is to be repeated; nothing here is a secret
        self.draws = Random(self.seed)  # noqa: S311 - no secret

    def draw(self) -> str:
        """What goes wrong with this call, or nothing."""
        if self.draws.random() >= self.share:
            return ""
        return self.draws.choice(self.kinds)


@dataclass(slots=True)
class Faults:
    """The faults still to come, in the order they were asked for."""

    waiting: list[Fault] = field(default_factory=list)
    chance: Chance | None = None

    def ask(self, wanted: dict[str, Any]) -> str:
        """Add one, or a seed's; the answer is what is wrong with it, or empty."""
        try:
            if "seed" in wanted:
                self.chance = Chance(**wanted)
                return ""
            if wanted.get("kind") not in KINDS:
                return f"kind must be one of {', '.join(KINDS)}"
            self.waiting.append(Fault(**wanted))
        except TypeError as error:
            return str(error)
        return ""

    def clear(self) -> None:
        """From now on all goes well."""
        self.waiting.clear()
        self.chance = None

    def next_for(self, method: str, path: str) -> Fault | None:
        """The fault that befalls a call, now spent once."""
        for fault in self.waiting:
            if path.endswith(fault.edge) and fault.method in {"", method}:
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times < 1:
                    self.waiting.remove(fault)
                return fault
        drawn = self.chance.draw() if self.chance else ""
        return Fault(drawn) if drawn else None


@dataclass(slots=True, kw_only=True)
class Budget:
    """How many calls an account has in a window of time; without `calls`, any."""

    clock: Callable[[], float]
    calls: int = 0
    window_s: float = 3600.0
    used: int = 0
    began: float = float("-inf")

    def spend(self) -> None:
        """Count one call, in a new window when the last is over."""
        if self.clock() - self.began >= self.window_s:
            self.began, self.used = self.clock(), 0
        self.used += 1

    @property
    def is_over(self) -> bool:
        """Whether the last call was one too many."""
        return bool(self.calls) and self.used > self.calls

    @property
    def percent(self) -> int:
        """How much of the window's calls is used."""
        return min(100, self.used * 100 // self.calls) if self.calls else 1

    @property
    def quiet_s(self) -> float:
        """Seconds until the next window, once all calls are used."""
        if not self.calls or self.used < self.calls:
            return 0.0
        return max(0.0, self.began + self.window_s - self.clock())
