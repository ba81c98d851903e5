"""What a destination of audiences owes us, whatever platform it is.

A destination keeps sets of people, each under an id of its own. We tell it who comes
and who goes, batch by batch, and keep our own ledger of what it acknowledged: no
platform tells who is in a set. Adding somebody who is in, and removing somebody who
is not, change nothing anywhere, so that any batch may be sent again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol, runtime_checkable

import msgspec

from activation.identifiers import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a platform asks of whoever keeps a set there.

    Members added longer than `refresh_after` ago are to be sent again before the
    platform forgets them; an answer is first asked after when `settles_after` is over.
    One that `works_at_once` has carried a batch out when it answers.
    """

    members_a_batch: int
    refresh_after: timedelta | None = None
    settles_after: timedelta = timedelta(0)
    works_at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An audience that shall exist at the platform; `remote_id` as last known."""

    audience: str
    meaning: str
    remote_id: str = ""
    with_values: bool = False


class Member(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Somebody to add; the value counts where the set was made with values."""

    identity: Identity
    value: float | None = None

    def __repr__(self) -> str:
        """Without anything that names the person."""
        return "Member(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform said to one batch.

    With a `request_id` the batch was taken and is carried out later: ask `outcome`.
    Without, it is carried out. Counts are rows as the platform tells them, which may
    be approximate; `refused` maps the index of a member to the platform's reason, for
    platforms that tell it.
    """

    request_id: str = ""
    received: int = 0
    invalid: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a batch that was taken stands. `failed`: nothing of it was carried out.

    `left_out_may_pass`: somebody was left out of it by a fault of the platform's own,
    and not for what they are. `match_rate` is the platform's own words, such as a
    range; empty where it is silent.
    """

    state: Literal["pending", "done", "partly", "failed"]
    received: int = 0
    invalid: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    left_out_may_pass: bool = False
    match_rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookalikeOrder:
    """Keep an audience of strangers like the people of a remote one."""

    audience: str
    seed_remote_id: str
    ratio: float
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """A lookalike as the platform tells of it; `detail` says why it is not ready."""

    remote_id: str
    is_ready: bool
    detail: str = ""


class Destination(Protocol):
    """An ad platform's account, or anything else that keeps sets of people.

    Every call ends in what was asked for, or raises: Unavailable when a later call
    may succeed, DestinationRefused when none will. Errors never hold an identifier,
    a digest or a credential.
    """

    @property
    def platform(self) -> str:
        """Its name in the ledger and receipts, and as a kind of destination."""

    @property
    def limits(self) -> Limits:
        """What it asks of us."""

    def find(self, wanted: Wanted) -> str:
        """The id of the set: the one last known if it still lives, else by its name.

        Empty when there is none. An id other than the one last known means that
        somebody made the set anew: nothing of ours is known to be in it.
        """

    def make(self, wanted: Wanted) -> str:
        """Make the set, once, also when the answer to the making is lost; its id."""

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Put members in; at most `limits.members_a_batch`."""

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Take out whoever is named by any of these identities."""

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands that was taken under this id."""


@runtime_checkable
class Replaces(Protocol):
    """A destination that can exchange a whole set in one go."""

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Make the set equal to the batches; `size` members in all, never none."""


@runtime_checkable
class MakesLookalikes(Protocol):
    """A destination that finds strangers like the members of a set."""

    def keep_lookalike(self, order: LookalikeOrder) -> Lookalike:
        """Make the lookalike unless it exists, and look whether it is ready."""


@runtime_checkable
class Erases(Protocol):
    """A destination that can take somebody out of everything at once."""

    def erase(self, identities: Sequence[Identity]) -> Answer:
        """Take these out of every set of the account, also sets that are not ours."""
