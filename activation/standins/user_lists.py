"""The state behind the stand-in of Google's APIs: user lists and who is in them."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DAY_S = 86_400.0
LONGEST_LIFE_SPAN = 540

Member = frozenset[tuple[str, str]]
"""One person: (kind of identifier, digest)."""


@dataclass(slots=True, kw_only=True)
class UserListHeld:
    """A user list. `added` says when a member was last added."""

    id: int
    name: str
    kind: str
    life_span_days: int = 0
    seed_ids: tuple[int, ...] = ()
    added: dict[Member, float] = field(default_factory=dict)


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


@dataclass(slots=True)
class GoogleState:
    """Everything a stand-in holds.

    With `is_slow`, requests wait until `finish`, as they do at Google.
    """

    clock: Callable[[], float]
    lists: dict[str, dict[int, UserListHeld]] = field(default_factory=dict)
    requests: dict[str, Asked] = field(default_factory=dict)
    is_slow: bool = False
    fails_because: str = ""
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
        elif not self.is_slow:
            _finish(asked)
        return request_id

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
            dict(member)
            for one in found
            for member, added in one.added.items()
            if now <= added + one.life_span_days * DAY_S
        ]


def removal(
    state: GoogleState, held: UserListHeld, as_of: float | None
) -> Callable[[], None]:
    """Take out all who were last added by a moment: that of the request, if unsaid."""
    moment = state.clock() if as_of is None else as_of

    def carry_out() -> None:
        held.added = {m: added for m, added in held.added.items() if added > moment}

    return carry_out


def addition(
    state: GoogleState, held: UserListHeld, added: set[Member]
) -> Callable[[], None]:
    """Put members in, as of the moment of the request."""
    moment = state.clock()

    def carry_out() -> None:
        held.added |= dict.fromkeys(added, moment)

    return carry_out


def _finish(asked: Asked) -> None:
    asked.carry_out()
    asked.is_done = True
