"""A destination without a platform: sets in memory, with a platform's bad habits."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from activation.destinations.protocol import (
    Answer,
    Limits,
    Lookalike,
    LookalikeOrder,
    Member,
    Outcome,
    Wanted,
)
from activation.identifiers import Identity
from warehouse.errors import DestinationRefused

Row = frozenset[tuple[str, str]]
_NAMING = frozenset({"EXTERN_ID", "EMAIL", "PHONE", "email_address", "phone_number"})


@dataclass(slots=True, kw_only=True)
class Asked:
    """A batch that was taken; `outcome` is what its end will be."""

    carry_out: Callable[[], None]
    outcome: Outcome
    is_done: bool = False


@dataclass(slots=True, kw_only=True)
class InMemory:
    """Keeps sets under ids of its own.

    `before` and `after` are called with the name of each call, and may raise: what
    raises afterwards has been carried out, and its answer is lost. A slow one takes
    batches, and carries them out when `finish` is called. `refuses` says why a row is
    not taken; empty where it is.
    """

    platform: str = "meta"
    limits: Limits = field(default_factory=lambda: Limits(members_a_batch=10))
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    refuses: Callable[[Row], str] = lambda _: ""
    is_slow: bool = False
    loses_rows: Callable[[], bool] = lambda: False
    """Whether a slow batch is carried out in part only."""
    left_out_may_pass: bool = False
    """Whether that is said to be a fault of the platform's own."""
    names: dict[str, str] = field(default_factory=dict)
    sets: dict[str, dict[Row, float | None]] = field(default_factory=dict)
    lookalikes: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Asked] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def find(self, wanted: Wanted) -> str:
        """The id last known if its set lives, else one by the name."""
        with_name = [i for i, name in self.names.items() if name == wanted.audience]
        if wanted.remote_id in self.names:
            return wanted.remote_id
        return with_name[0] if with_name else ""

    def make(self, wanted: Wanted) -> str:
        """An empty set."""
        self._called("make")
        remote_id = f"set-{next(self.numbers)}"
        self.names[remote_id], self.sets[remote_id] = wanted.audience, {}
        self.after("make")
        return remote_id

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Put members in."""
        self._called("add")
        held = self._set(remote_id)
        given = {row_of(one.identity): one.value for one in members}
        refused = {
            index: why
            for index, one in enumerate(members)
            if (why := self.refuses(row_of(one.identity)))
        }
        kept = {row: value for row, value in given.items() if not self.refuses(row)}
        return self._answered("add", lambda: held.update(kept), len(members), refused)

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Take out whoever is named by any part of any of these."""
        self._called("remove")
        held = self._set(remote_id)
        named = {
            pair for one in identities for pair in row_of(one) if pair[0] in _NAMING
        }

        def carry_out() -> None:
            for row in [row for row in held if named & row]:
                del held[row]

        return self._answered("remove", carry_out, len(identities), {})

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Make the set equal to the batches."""
        self._called("replace")
        held = self._set(remote_id)
        given = {row_of(one.identity): one.value for some in batches for one in some}
        held.clear()
        held.update(given)
        self.after("replace")
        return Answer(received=size)

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands that was taken."""
        self.before("outcome")
        one = self.asked[request_id]
        return one.outcome if one.is_done else Outcome(state="pending")

    def keep_lookalike(self, order: LookalikeOrder) -> Lookalike:
        """Keep which set a lookalike starts from."""
        self._called("keep_lookalike")
        self.lookalikes[order.audience] = order.seed_remote_id
        return Lookalike(remote_id=f"like-{order.audience}", is_ready=True)

    def finish(self, *, last_first: bool = False) -> None:
        """Carry out what was taken, in whatever order."""
        waiting = [one for one in self.asked.values() if not one.is_done]
        for one in reversed(waiting) if last_first else waiting:
            if one.outcome.state != "partly":
                one.carry_out()
            one.is_done = True

    def forget(self, remote_id: str) -> None:
        """Somebody deletes a set in the account."""
        del self.names[remote_id], self.sets[remote_id]

    def _called(self, name: str) -> None:
        self.before(name)
        self.calls.append(name)

    def _set(self, remote_id: str) -> dict[Row, float | None]:
        if remote_id not in self.sets:
            raise DestinationRefused(f"There is no set {remote_id} any more.")
        return self.sets[remote_id]

    def _answered(
        self,
        name: str,
        carry_out: Callable[[], None],
        received: int,
        refused: Mapping[int, str],
    ) -> Answer:
        if self.is_slow:
            request_id = f"request-{next(self.numbers)}"
            outcome = Outcome(
                state="partly" if self.loses_rows() else "done",
                received=received,
                left_out_may_pass=self.left_out_may_pass,
            )
            self.asked[request_id] = Asked(carry_out=carry_out, outcome=outcome)
            self.after(name)
            return Answer(
                request_id=request_id,
                received=received,
                invalid=len(refused),
                refused=refused,
            )
        carry_out()
        self.after(name)
        return Answer(received=received, invalid=len(refused), refused=refused)


def row_of(identity: Identity) -> Row:
    """A person as a set keeps them."""
    return frozenset((key, one.hex) for key, one in identity.items() if one.hex)
