"""Lines of a world's files read back, as the door and the staging models take them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from questlog.world.parameters import SECOND, read_moment

CLOCK_ERROR = 5 * SECOND


class Line(NamedTuple):
    """A line of a file and the reason for which the door refuses it, if it does."""

    raw: bytes
    reason: str = ""


class Seen(NamedTuple):
    """An accepted event, read back from its line; times in milliseconds.

    `at` is the claim after correction, and `corrected` what the correction added;
    `ahead` is how far the sender's clock shows to be ahead of ours, or behind.
    """

    at: int
    sequence: int
    event_id: str
    name: str
    user_id: str
    anonymous_id: str
    received_at: int
    corrected: int
    ahead: int
    properties: dict[str, Any]
    context: dict[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """Lines read back: the accepted events, and how many were refused for what."""

    accepted: list[Seen]
    refused: Counter[str]

    def followed_by(self, later: "Reading") -> "Reading":
        """This reading and a later one, as when both files are loaded."""
        return Reading(self.accepted + later.accepted, self.refused + later.refused)


def read_history(lines: Sequence[Line]) -> Reading:
    """Read an import: each line says itself when it was received."""
    accepted = [_seen(line.raw) for line in lines if not line.reason]
    return Reading(accepted, _refused(lines))


def read_live(lines: Sequence[Line], *, after: Reading, posted_at: int) -> Reading:
    """Read what is sent: the door receives it in order, after all that came before.

    `posted_at` is when it is sent, in milliseconds. A clock that then claims to be
    more than five seconds ahead is wrong by that much; the door corrects its events.
    """
    latest = max((seen.received_at for seen in after.accepted), default=0)
    accepted = [
        _seen(line.raw, latest + number, posted_at=posted_at)
        for number, line in enumerate(lines, start=1)
        if not line.reason
    ]
    return Reading(accepted, _refused(lines))


def _refused(lines: Sequence[Line]) -> Counter[str]:
    return Counter(line.reason for line in lines if line.reason)


def _seen(raw: bytes, received_at: int = 0, *, posted_at: int = 0) -> Seen:
    """An event of a line; of history where no receipt is given."""
    event = orjson.loads(raw)
    claimed = read_moment(event["timestamp"])
    ahead = corrected = 0
    if not received_at:
        received_at = read_moment(event["received_at"])
        ahead = max(claimed - received_at, 0)
    elif "sent_at" in event:
        ahead = read_moment(event["sent_at"]) - posted_at
        corrected = -ahead if ahead > CLOCK_ERROR else 0
    return Seen(
        at=claimed + corrected,
        sequence=event.get("sequence", 0),
        event_id=event["event_id"],
        name=event["event_name"].rpartition(".")[2],
        user_id=event.get("user_id", ""),
        anonymous_id=event.get("anonymous_id", ""),
        received_at=received_at,
        corrected=corrected,
        ahead=ahead,
        properties=event["properties"],
        context=event.get("context", {}),
        raw=raw,
    )


def deduplicated(reading: Reading) -> tuple[list[Seen], dict[str, Any]]:
    """The earliest receipt of every id; what became of the other copies, counted."""
    copies: dict[str, list[Seen]] = defaultdict(list)
    for seen in reading.accepted:
        copies[seen.event_id].append(seen)
    once, removed, conflicts, conflicting = [], 0, 0, 0
    for same_id in copies.values():
        if len(same_id) == 1:
            once.append(same_id[0])
            continue
        winner = min(same_id, key=lambda seen: (seen.received_at, _content(seen)))
        same = sum(_content(seen) == _content(winner) for seen in same_id)
        once.append(winner)
        removed += same - 1
        conflicting += len(same_id) - same
        conflicts += same < len(same_id)
    refused = sum(reading.refused.values())
    return once, {
        "lines": len(reading.accepted) + refused,
        "accepted": len(reading.accepted),
        "refused": dict(sorted(reading.refused.items())),
        "duplicates_removed": removed,
        "conflicts": conflicts,
        "conflicting_copies": conflicting,
        "events_once": len(once),
    }


def _content(seen: Seen) -> bytes:
    event = orjson.loads(seen.raw)
    event.pop("received_at", None)
    event.pop("sent_at", None)
    return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
