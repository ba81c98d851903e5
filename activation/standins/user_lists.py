"""The state behind the stand-in of Google's APIs: user lists and who is in them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activation.standins.held import Held, Keys, Row

DAY_S = 86_400.0
LONGEST_LIFE_SPAN = 540

_NAMES = ("email_address", "phone_number")
KEYS = Keys(known=(*_NAMES, "value"), naming=frozenset(_NAMES), value="value")


@dataclass(slots=True, kw_only=True)
class UserListHeld:
    """A user list; who is in it, and when they were last added."""

    id: int
    name: str
    kind: str
    life_span_days: int = 0
    seed_ids: tuple[int, ...] = ()
    people: Held = field(default_factory=lambda: Held(KEYS))


@dataclass(slots=True)
class Asked:
    """A request of the Data Manager, and how it ended."""

    kind: str
    account_id: str
    list_id: int
    carry_out: Callable[[], None]
    records: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    is_done: bool = False
    failed_because: str = ""
    looks_left: int = 0


@dataclass(slots=True, kw_only=True)
class JobHeld:
    """An offline job: what it will do to a list, and how it stands."""

    list_id: int
    account_id: str
    steps: list[Callable[[], None]] = field(default_factory=list)
    identifiers: int = 0
    is_run: bool = False
    request_id: str = ""


@dataclass(slots=True)
class GoogleState:
    """Everything a stand-in holds.

    With `is_slow`, requests wait until `finish`, as they do at Google; with
    `looks_until_done`, until they were asked after so often. `leaves_out` is how many
    of the next request's last members are not carried out. Only accounts with
    `takes_jobs` may use offline jobs.
    """

    clock: Callable[[], float]
    lists: dict[str, dict[int, UserListHeld]] = field(default_factory=dict)
    requests: dict[str, Asked] = field(default_factory=dict)
    jobs: dict[str, "JobHeld"] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Conversions by `action:transaction`, each once."""
    events_received: int = 0
    is_slow: bool = False
    looks_until_done: int = 0
    fails_because: str = ""
    leaves_out: int = 0
    takes_jobs: bool = False
    terms_are_accepted: bool = True
    ids: "itertools.count[int]" = field(
        default_factory=lambda: itertools.count(8_000_000_001)
    )

    def lists_of(self, customer_id: str) -> dict[int, UserListHeld]:
        """An account's lists; an account is opened on first use."""
        return self.lists.setdefault(customer_id, {})

    def create(self, customer_id: str, made: UserListHeld) -> str:
        """Keep a new list, or say why not, in Google's word."""
        held = self.lists_of(customer_id)
        if any(one.name == made.name for one in held.values()):
            return "NAME_ALREADY_USED"
        if made.kind == "LOOKALIKE":
            seeds = [held.get(seed) for seed in made.seed_ids]
            if not seeds or None in seeds:
                return "SEED_LIST_DOES_NOT_EXIST"
            if any(seed and seed.kind != "CRM_BASED" for seed in seeds):
                return "INVALID_SEED_LIST_TYPE"
        held[made.id] = made
        return ""

    def ask(self, asked: Asked) -> str:
        """Take a request; the answer is its id."""
        request_id = f"request-{next(self.ids)}"
        self.requests[request_id] = asked
        if self.fails_because:
            asked.failed_because, asked.is_done = self.fails_because, True
        elif self.looks_until_done:
            asked.looks_left = self.looks_until_done
        elif not self.is_slow:
            _finish(asked)
        return request_id

    def look(self, request_id: str) -> Asked | None:
        """A request that is asked after; enough looks carry it out."""
        asked = self.requests.get(request_id)
        if asked and not asked.is_done and asked.looks_left:
            asked.looks_left -= 1
            if not asked.looks_left:
                _finish(asked)
        return asked

    def finish(self, *, last_first: bool = False) -> None:
        """Carry out what waits. Google promises no order."""
        waiting = [one for one in self.requests.values() if not one.is_done]
        for asked in reversed(waiting) if last_first else waiting:
            _finish(asked)

    def members(self, customer_id: str, name: str) -> list[dict[str, str]]:
        """Who is in a list now, those whose membership has run out left aside."""
        found = [one for one in self.lists_of(customer_id).values() if one.name == name]
        now = self.clock()
        return [
            row
            for one in found
            for row in one.people.rows(now - one.life_span_days * DAY_S)
        ]


def removal(
    state: GoogleState, held: UserListHeld, as_of: float | None
) -> Callable[[], None]:
    """Take out all who were last added by a moment: that of the request, if unsaid."""
    moment = state.clock() if as_of is None else as_of
    return lambda: held.people.take_older(moment)


def addition(
    state: GoogleState, held: UserListHeld, added: Sequence[Row]
) -> Callable[[], None]:
    """Put members in, as of the moment of the request."""
    moment = state.clock()
    return lambda: held.people.put(added, moment)


def _finish(asked: Asked) -> None:
    asked.carry_out()
    # who was in it is not kept a second time
    asked.carry_out = _nothing
    asked.is_done = True


def _nothing() -> None:
    """What is left to do of a request that is done."""
