"""Pushes at random: people come, go and change their minds; everything goes wrong.

Each run changes the town, pushes while calls fail, answers get lost, the clock is set
back and the process dies at a random statement, and then pushes in peace. What the
platform holds at the end is compared with what the town says, row by row, and one more
push must call nobody.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from activation.destinations.protocol import (
    Answer,
    Destination,
    Limits,
    Member,
    Outcome,
    Wanted,
)
from activation.identifiers import Identifiers, Identity
from activation.rim import Rim
from activation.sending import IdentityOf, Sender
from activation.standins.memory import Row
from activation.syncing import Order, sync
from activation.wanting import Wants
from bench._reach import AS_OF, AUDIENCE, Town
from warehouse.errors import DestinationRefused, Unavailable

A_BATCH = 10
_MOST_PUSHES = 14
_BROKEN_AT_MOST = 3


class Killed(BaseException):
    """The process ends here, as by a signal: nothing catches it."""


class Platform(Protocol):
    """A destination, and what stands behind it."""

    @property
    def destination(self) -> Destination:
        """What is pushed to."""

    @property
    def identity_of(self) -> IdentityOf:
        """How people are named there."""

    def rows(self) -> set[Row]:
        """Who is in the set, as identifiers and digests."""

    def disturb(self, chance: Random) -> None:
        """From now on calls go wrong."""

    def calm(self) -> None:
        """From now on all goes well, and what was taken is carried out."""

    def delete(self) -> None:
        """Somebody deletes the set in the account."""


@dataclass(slots=True)
class Life:
    """That of a process. When it is over, none of its threads does anything more."""

    is_over: bool = False


@dataclass(slots=True)
class Fragile:
    """Something whose calls are counted; the one at which `dies_at` is 0 kills.

    Half of the deaths come after the call was carried out; what another thread is
    calling meanwhile is carried out, and its answer never read.
    """

    held: Any
    chance: Random
    dies_at: int = -1
    calls: int = 0
    life: Life = field(default_factory=Life)

    def step(self, act: Callable[[], Any]) -> Any:
        """One call, or the end."""
        if self.life.is_over:
            raise Killed
        self.calls += 1
        self.dies_at -= 1
        dies = self.dies_at == 0
        if dies:
            self.life.is_over = True
        told = None
        if not dies or self.chance.random() < 0.5:  # noqa: PLR2004 - a coin
            told = act()
        if self.life.is_over:
            raise Killed
        return told


class FragileClient:
    """A client of the warehouse that may die at any statement."""

    def __init__(self, fragile: Fragile) -> None:
        self._fragile = fragile

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._fragile.held, name)
        if name not in {"insert", "command", "query", "raw_query"}:
            return found
        return lambda *given, **named: self._fragile.step(
            lambda: found(*given, **named)
        )


class Counted:
    """A destination with small batches, whose calls about members are counted."""

    def __init__(self, inner: Destination, chance: Random) -> None:
        self.inner = inner
        self.fragile = Fragile(inner, chance)

    @property
    def platform(self) -> str:
        """Its name."""
        return self.inner.platform

    @property
    def limits(self) -> Limits:
        """Those of the destination, with small batches."""
        return replace(self.inner.limits, members_a_batch=A_BATCH)

    def find(self, wanted: Wanted) -> str:
        """The id of the set."""
        return self.inner.find(wanted)

    def make(self, wanted: Wanted) -> str:
        """Make the set."""
        return self.inner.make(wanted)

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands."""
        return self.inner.outcome(request_id)

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Put members in, or die."""
        return self._told(lambda: self.inner.add(remote_id, members))

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Take people out, or die."""
        return self._told(lambda: self.inner.remove(remote_id, identities))

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Exchange the set."""
        inner: Any = self.inner
        return self._told(lambda: inner.replace(remote_id, batches, size))

    def _told(self, act: Callable[[], Answer]) -> Answer:
        told: Answer = self.fragile.step(act)
        return told


@dataclass(slots=True)
class Tally:
    """What the runs came to; `told` is all that pushes returned or raised, as text."""

    runs: int = 0
    pushes: int = 0
    member_calls: int = 0
    needed_calls: int = 0
    broken_pushes: int = 0
    parts: int = 0
    set_mismatches: int = 0
    restless: int = 0
    """Runs after which one more push still called somebody."""
    unsettled: int = 0
    told: list[str] = field(default_factory=list)

    @property
    def extra_calls_share(self) -> float:
        """Calls beyond those needed, those that broke and those done in part."""
        due = self.needed_calls + self.broken_pushes + self.parts
        return max(0, self.member_calls - due) / max(1, self.member_calls)


@dataclass(slots=True)
class Runs:
    """A town that lives, and a platform that follows it."""

    town: Town
    platform: Platform
    chance: Random
    tally: Tally = field(default_factory=Tally)
    names: int = 0

    def __post_init__(self) -> None:
        # the vault remembers who lived here before: nobody has their names
        self.names = 10 * len(self.town.stated)
        for _ in range(25):
            self.comes()

    def run(self) -> None:
        """One run: change, push amid faults, push in peace, compare."""
        for _ in range(self.chance.randint(1, 6)):
            self.change()
        if self.chance.random() < 0.05:  # noqa: PLR2004 - one of twenty
            self.platform.delete()
            if self.chance.random() < 0.5:  # noqa: PLR2004 - a coin
                self.squats()
        self.town.write()
        counted = Counted(self.platform.destination, self.chance)
        self.tally.needed_calls += self._needed()
        self.platform.disturb(self.chance)
        for _ in range(self.chance.randint(0, _BROKEN_AT_MOST)):
            self._broken(counted)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - who withdraws amid a push
            self.change()
            self.town.write()
        self._in_peace(counted)
        self.tally.runs += 1
        self.tally.member_calls += counted.fragile.calls

    def change(self) -> None:
        """Something happens to somebody."""
        acts = (
            *(self.comes, self.comes, self.leaves, self.leaves),
            *(self.mails, self.mails, self.shares, self.denies, self.denies),
            *(self.allows, self.telephones, self.is_forgotten),
        )
        self.chance.choice(acts)()

    def comes(self) -> None:
        """A newcomer fits."""
        name = f"citizen{self.names}"
        self.names += 1
        self.town.knows(name, email=f"{name}@example.com")
        self.town.people[name].is_chosen = True

    def leaves(self) -> None:
        """Somebody fits no longer, or again."""
        one = self.town.people[self.somebody()]
        one.is_chosen = not one.is_chosen

    def mails(self) -> None:
        """Somebody has another e-mail address, that nobody had."""
        self.names += 1
        self.town.knows(self.somebody(), email=f"changed{self.names}@example.org")

    def shares(self) -> None:
        """Somebody states the address of somebody else."""
        address = self.town.people[self.somebody()].email
        if address:
            self.town.knows(self.somebody(), email=address)

    def telephones(self) -> None:
        """Somebody states a phone number, in a range set aside for fiction."""
        number = f"+49302312{self.chance.randint(1000, 9999)}"
        self.town.knows(self.somebody(), phone=number)

    def denies(self) -> None:
        """Somebody withdraws consent."""
        self.town.denies(self.somebody())

    def allows(self) -> None:
        """Somebody who had withdrawn consents again."""
        if self.town.denied:
            self.town.allows(self.chance.choice(sorted(self.town.denied)))

    def is_forgotten(self) -> None:
        """Somebody's keys are destroyed by hand; this is rare."""
        if self.chance.random() < 0.2:  # noqa: PLR2004 - one of five
            name = self.somebody()
            self.town.vault.forget(f"user:{name}")
            self.town.people[name].email = self.town.people[name].phone = ""

    def squats(self) -> None:
        """Somebody makes a set of the same name, and puts strangers in."""
        there = self.platform.destination
        remote_id = there.make(Wanted(audience=AUDIENCE, meaning="Of somebody else."))
        strangers = [
            Identifiers(f"stranger{number}", email=f"stranger{number}@example.net")
            for number in range(3)
        ]
        members = [Member(identity=self.platform.identity_of(o)) for o in strangers]
        there.add(remote_id, members)
        self.platform.calm()

    def somebody(self) -> str:
        """One of the people."""
        return self.chance.choice(sorted(self.town.people))

    def _needed(self) -> int:
        """Calls that would do if nothing went wrong."""
        there, wanted = self.platform.rows(), self._wanted()
        out, into = there - wanted, wanted - there
        named = {pair for row in out for pair in row if _names_somebody(pair)}
        along = {row for row in wanted & there if named & row}
        return math.ceil(len(out) / A_BATCH) + math.ceil(len(into | along) / A_BATCH)

    def _wanted(self) -> set[Row]:
        return self.town.expected(self.platform.identity_of)

    def _broken(self, counted: Counted) -> None:
        """A push in which anything may fail."""
        life = Life()
        client = Fragile(self.town.client, self.chance, life=life)
        counted.fragile.life = life
        if self.chance.random() < 0.5:  # noqa: PLR2004 - a coin
            client.dies_at = self.chance.randint(1, 45)
        else:
            counted.fragile.dies_at = self.chance.randint(1, 4)
        try:
            self._push(counted, self._rim(FragileClient(client)))
        except Killed:
            self.tally.broken_pushes += 1
        except (Unavailable, DestinationRefused) as error:
            self.tally.broken_pushes += 1
            self.tally.told.append(f"{error!r} {error.__cause__!r}")
        counted.fragile.dies_at, counted.fragile.life = -1, Life()

    def _in_peace(self, counted: Counted) -> None:
        """Pushes until one calls nobody; then what is there is compared."""
        for _ in range(_MOST_PUSHES):
            self.platform.calm()
            self.town.moment += timedelta(hours=1)
            before = counted.fragile.calls
            try:
                self._push(counted, self.town.rim)
            except Unavailable as error:
                # such as a replace session that a death left open at Meta
                self.tally.broken_pushes += 1
                self.tally.told.append(f"{error!r} {error.__cause__!r}")
                continue
            self.platform.calm()
            if counted.fragile.calls == before:
                break
        else:
            self.tally.unsettled += 1
        self.tally.set_mismatches += len(self.platform.rows() ^ self._wanted())
        before = counted.fragile.calls
        self._push(counted, self.town.rim)
        self.tally.restless += counted.fragile.calls > before

    def _rim(self, client: Any) -> Rim:
        return replace(self.town.rim, client=client, clock=self._unsteady_clock)

    def _unsteady_clock(self) -> datetime:
        """The warehouse's time; now and then its clock is set back, or put right."""
        if self.chance.random() < 0.02:  # noqa: PLR2004 - one look of fifty
            self.town.behind = timedelta(seconds=self.chance.randint(0, 300))
        return self.town.rim.clock()

    def _push(self, counted: Counted, rim: Rim) -> None:
        self.tally.pushes += 1
        sender = Sender(
            rim=rim, destination=counted, identity_of=self.platform.identity_of
        )
        order = Order(
            audience=AUDIENCE,
            meaning="The best.",
            as_of=AS_OF,
            wants=Wants(chosen_on=AS_OF),
            most_leaving=1.0,
        )
        told = sync(sender, order)
        self.tally.parts += sum(told.reasons.values()) > 0
        self.tally.told.append(repr(told))


def _names_somebody(pair: tuple[str, str]) -> bool:
    return pair[0] in {"EXTERN_ID", "EMAIL", "PHONE", "email_address", "phone_number"}
