"""What shall go wrong at the stand-in of Google's ad APIs, asked for or drawn."""

from collections import deque
from dataclasses import dataclass, field

from activation.standins.faults import Chance
from activation.standins.user_lists import GoogleState

DRAWN = ("unavailable", "lost_reply", "throttle", "internal", "partial")
_OF_MEMBERS = ("IngestAudienceMembers", "RemoveAudienceMembers")
_HEADERS_KEPT = 1_000


@dataclass(slots=True, kw_only=True)
class GoogleFault:
    """Something that goes wrong `times` times with a method, after `after` went well.

    `answer_is_lost`: the call is carried out, and the caller never hears of it.
    `leaves_out`: all goes well, but for so many members that are not carried out.
    """

    method: str
    code: str = "UNAVAILABLE"
    reason: str = ""
    times: int = 1
    after: int = 0
    wait_s: int = 0
    answer_is_lost: bool = False
    leaves_out: int = 0


@dataclass(slots=True)
class GoogleStandin:
    """One stand-in: what it holds, what shall go wrong, and the headers it was sent."""

    state: GoogleState
    faults: list[GoogleFault] = field(default_factory=list)
    token_is_revoked: bool = False
    chance: Chance | None = None
    headers: deque[dict[str, str]] = field(
        default_factory=lambda: deque(maxlen=_HEADERS_KEPT)
    )

    def next_fault(self, method: str) -> GoogleFault | None:
        """The fault that befalls a call, now spent once."""
        for fault in self.faults:
            if fault.method == method:
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times < 1:
                    self.faults.remove(fault)
                return fault
        return self._drawn(method)

    def _drawn(self, method: str) -> GoogleFault | None:
        """What the seed has drawn for a call."""
        match self.chance.draw() if self.chance else "":
            case "unavailable":
                return GoogleFault(method=method)
            case "lost_reply":
                return GoogleFault(method=method, answer_is_lost=True)
            case "throttle":
                return GoogleFault(method=method, code="RESOURCE_EXHAUSTED", wait_s=1)
            case "internal":
                return GoogleFault(method=method, code="INTERNAL")
            case "partial" if method in _OF_MEMBERS:
                return GoogleFault(method=method, leaves_out=1)
        return None
