"""Google as a destination: user lists by google-ads, members by the Data Manager.

Members of accounts that Google still lets use offline jobs go by these, if set so.
What Google takes it carries out later, in no promised order: `outcome` tells when.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from activation.destinations.kinds import Kind
from activation.destinations.protocol import (
    Answer,
    Limits,
    Lookalike,
    LookalikeOrder,
    Member,
    Outcome,
    Wanted,
)
from activation.identifiers import Identity, google_identity
from activation.patience import Patience
from warehouse.settings import Settings

if TYPE_CHECKING:
    from activation.google_account import GoogleAccount

MEMBERS_A_BATCH = 10_000
LISTS_A_REQUEST = 10
MEMBERS_KEPT = timedelta(days=540)
OFFLINE_JOBS = "offline_jobs"

State = Literal["pending", "done", "partly", "failed"]
Thing = TypeVar("Thing")


class Members(Protocol):
    """A way to the members of user lists: each has requests of its own."""

    def add(self, list_id: str, people: Sequence[Member]) -> Answer:
        """Ask for members to be put in."""

    def remove(self, list_ids: Sequence[str], people: Sequence[Identity]) -> Answer:
        """Ask for people to be taken out of at most ten lists."""

    def remove_all(self, list_id: str) -> str:
        """Ask for everybody to be taken out who is in now; the request's id."""

    def outcome(self, request_id: str) -> Outcome:
        """How one request stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """One Google Ads account; `KIND.open` builds it from settings."""

    account: "GoogleAccount"
    members: Members

    @property
    def platform(self) -> str:
        """Its name in the ledger and receipts."""
        return "google"

    @property
    def limits(self) -> Limits:
        """Google first knows after 30 minutes; the stand-in, at once."""
        return Limits(
            members_a_batch=MEMBERS_A_BATCH,
            refresh_after=MEMBERS_KEPT - timedelta(days=40),
            settles_after=timedelta(minutes=0 if self.account.endpoint else 30),
        )

    def find(self, wanted: Wanted) -> str:
        """The id of the list last known, if it still lives, else by its name."""
        from activation import google_lists

        self.account.sign_in()
        return google_lists.find(self.account, wanted)

    def make(self, wanted: Wanted) -> str:
        """Make the list. Google keeps no values with it: offline jobs carry them."""
        from activation import google_lists

        self.account.sign_in()
        return google_lists.make(self.account, wanted)

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Ask for members to be put in; those whom Google can't name are refused."""
        if not members:
            return Answer()
        self.account.sign_in()
        return self.members.add(remote_id, members)

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Ask for whoever is named by any of these to be taken out."""
        if not identities:
            return Answer()
        self.account.sign_in()
        return self.members.remove([remote_id], identities)

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands; with several requests, all of them together."""
        self.account.sign_in()
        found = [self.members.outcome(one) for one in request_id.split()]
        return found[0] if len(found) == 1 else _together(found)

    def replace(
        self, remote_id: str, batches: Iterable[Sequence[Member]], size: int
    ) -> Answer:
        """Ask for all to be taken out, and for the batches to be put in.

        Google takes out whoever was added before it was asked, so that the order in
        which it works does not matter. `size` is not of use to it.
        """
        del size
        self.account.sign_in()
        ids, received, before = [self.members.remove_all(remote_id)], 0, 0
        refused: dict[int, str] = {}
        for batch in batches:
            told = self.members.add(remote_id, batch)
            ids.append(told.request_id)
            received += told.received
            refused |= {before + index: why for index, why in told.refused.items()}
            before += len(batch)
        return Answer(
            request_id=" ".join(filter(None, ids)),
            received=received,
            invalid=len(refused),
            refused=refused,
        )

    def keep_lookalike(self, order: LookalikeOrder) -> Lookalike:
        """Create the lookalike unless it exists; Google refreshes it by itself."""
        from activation import google_lists

        self.account.sign_in()
        return google_lists.keep_lookalike(self.account, order)

    def erase(self, identities: Sequence[Identity]) -> Answer:
        """Ask for these to be taken out of every Customer Match list of the account."""
        from activation import google_lists

        self.account.sign_in()
        lists = [
            str(one.id)
            for one in google_lists.listed(self.account, google_lists.CUSTOM)
        ]
        ids, received = [], 0
        for list_ids in _chunks(lists, LISTS_A_REQUEST):
            for some in _chunks(identities, MEMBERS_A_BATCH):
                told = self.members.remove(list_ids, some)
                ids.append(told.request_id)
                received += told.received
        return Answer(request_id=" ".join(filter(None, ids)), received=received)


def _chunks(everything: Sequence[Thing], size: int) -> Iterable[Sequence[Thing]]:
    for first in range(0, len(everything), size):
        yield everything[first : first + size]


def _state(states: set[State]) -> State:
    if "pending" in states:
        return "pending"
    return states.pop() if len(states) == 1 else "partly"


def _together(found: Sequence[Outcome]) -> Outcome:
    """Several requests as one: pending while one is, failed when all have."""
    states: set[State] = {one.state for one in found}
    reasons: Counter[str] = Counter()
    for one in found:
        reasons.update(one.reasons)
    rates = dict.fromkeys(one.match_rate for one in found if one.match_rate)
    return Outcome(
        state=_state(states),
        received=sum(one.received for one in found),
        invalid=sum(one.invalid for one in found),
        reasons=reasons,
        left_out_may_pass=any(one.left_out_may_pass for one in found),
        match_rate=", ".join(rates),
    )


def _open(settings: Settings, patience: Patience) -> Google:
    from activation.google_account import google_account
    from activation.google_jobs import OfflineJobs
    from activation.google_members import DataManager

    account = google_account(settings, patience)
    by_jobs = settings.google_members_by == OFFLINE_JOBS
    way = OfflineJobs if by_jobs else DataManager
    return Google(account=account, members=way(account=account))


KIND = Kind(
    name="google",
    meaning="Customer Match lists of a Google Ads account, and lookalikes of them.",
    wants=("GOOGLE_CUSTOMER_ID", "GOOGLE_DEVELOPER_TOKEN", "GOOGLE_REFRESH_TOKEN"),
    identity=google_identity,
    is_started=lambda settings: bool(
        settings.google_customer_id
        or settings.google_developer_token
        or settings.google_refresh_token
        or settings.google_service_account_file
    ),
    open=_open,
)
