"""A sender that keeps a ledger of what it was promised, whatever happens meanwhile."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

_BATCH: Final = 20
_TIMEOUT_S: Final = 5
_OK: Final = 200
_FINAL: Final = frozenset({400, 401, 403, 404, 405, 413, 415})

Event = dict[str, Any]


@dataclass(slots=True)
class Sender:
    """Sends batch after batch until it is told to stop, each until it is answered.

    `accepted` and `refused` are the ids that it was promised, `tried` how often each
    id was sent. Some events are refused for good, some come again later, and some
    answers are forgotten, so that the batch is sent again.
    """

    number: int
    port: int
    key: str
    stop: threading.Event
    chance: random.Random
    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    tried: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    failure: BaseException | None = None
    _made: int = 0
    _earlier: list[Event] = field(default_factory=list)

    def run(self) -> None:
        """Send until told to stop."""
        try:
            while not self.stop.is_set():
                self._deliver([self._event() for _ in range(_BATCH)])
                time.sleep(self.chance.uniform(0, 0.05))
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            self.failure = error

    def _event(self) -> Event:
        drawn = self.chance.random()
        if drawn < 0.1 and self._earlier:  # noqa: PLR2004 - a share
            return self.chance.choice(self._earlier)
        self._made += 1
        person = f"person-{self.number}-{self._made % 50}"
        event: Event = {
            "event_id": str(UUID(int=(self.number << 64) + self._made)),
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event_name": "rolled",
            "user_id": person,
            "properties": {"dice": "1d20", "result": self._made % 20 + 1},
        }
        if drawn < 0.2:  # noqa: PLR2004 - a share
            event |= {"event_name": "dragon_tamed"}
        elif drawn < 0.3:  # noqa: PLR2004 - a share
            event["event_name"] = "user_signed_up"
            address = f"{person}@example.com"
            event["properties"] = {"signup_method": "email", "email": address}
        self._earlier = [*self._earlier[-200:], event]
        return event

    def _deliver(self, batch: Sequence[Event]) -> None:
        """Send until answered; an event that stands in it twice goes once."""
        events = list({event["event_id"]: event for event in batch}.values())
        body = json.dumps({"events": events})
        while (verdicts := self._answer(body, events)) is None:
            self.retries += 1
            # no two receipts of one event within a millisecond: they tell copies apart
            time.sleep(self.chance.uniform(0.02, 0.3))
        for verdict in verdicts:
            is_accepted = verdict["status"] == "accepted"
            (self.accepted if is_accepted else self.refused).add(verdict["event_id"])

    def _answer(self, body: str, events: Iterable[Event]) -> list[Event] | None:
        self.tried.update(event["event_id"] for event in events)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, _TIMEOUT_S)
        try:
            connection.request("POST", "/v1/events", body, {"X-Write-Key": self.key})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status in _FINAL:
            raise RuntimeError(f"No retry mends {answer.status}: {said[:200]!r}")
        if answer.status != _OK or self.chance.random() < 0.1:  # noqa: PLR2004 - a share
            return None
        found: list[Event] = json.loads(said)["verdicts"]
        return found


def compared(
    senders: Sequence[Sender],
    *,
    stored: Sequence[tuple[str, str]],
    refusals: Sequence[tuple[str, str]],
) -> dict[str, int]:
    """What senders were promised against what is there.

    `stored` are id and receipt of each stored event, `refusals` the event's id and
    the refusal's own of each refusal.
    A copy that was sent twice may be there twice, under two receipts; under one
    receipt it was loaded twice.
    """
    accepted = set().union(*(sender.accepted for sender in senders))
    refused = set().union(*(sender.refused for sender in senders))
    tried: Counter[str] = Counter()
    for sender in senders:
        tried.update(sender.tried)
    copies = Counter(event_id for event_id, _ in stored)
    there, turned_away = set(copies), {event_id for event_id, _ in refusals}
    too_often = {one for one, count in copies.items() if count > tried[one]}
    return {
        "acknowledged": len(accepted) + len(refused),
        "lost": len(accepted - there) + len(refused - turned_away),
        "doubled": sum(len(one) - len(set(one)) for one in (stored, refusals)),
        "unexplained": len(there - accepted)
        + len(turned_away - refused)
        + len(too_often),
    }
