"""Faults that can be asked of the stand-in, to see how a client takes them."""

from dataclasses import dataclass, field
from typing import Any

KINDS = ("html_502", "html_200", "lost_reply", "throttle", "transient")


@dataclass(slots=True)
class Fault:
    """Something that goes wrong `times` times, after `after` calls went well.

    `edge` limits it to calls whose path ends so; `method` to that HTTP method. A
    `lost_reply` is carried out and answered with an error page.
    """

    kind: str
    times: int = 1
    after: int = 0
    edge: str = ""
    method: str = ""
    minutes: int = 1


@dataclass(slots=True)
class Faults:
    """The faults still to come, in the order they were asked for."""

    waiting: list[Fault] = field(default_factory=list)

    def ask(self, wanted: dict[str, Any]) -> str:
        """Add one; the answer is what is wrong with the request, or empty."""
        if wanted.get("kind") not in KINDS:
            return f"kind must be one of {', '.join(KINDS)}"
        try:
            self.waiting.append(Fault(**wanted))
        except TypeError as error:
            return str(error)
        return ""

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
        return None
