"""What is told back to ad platforms: purchases, and who was won back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from activation.destinations.protocol import Answer, Outcome
from activation.identifiers import Identity

PURCHASE, WON_BACK = "purchase", "won_back"
KINDS = (PURCHASE, WON_BACK)


@dataclass(frozen=True, slots=True)
class Topic:
    """What is told to whom: a platform, and a kind of conversions."""

    platform: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment that a platform may be told of, net of what was refunded.

    `payment_id` is that of the payment service, by which platforms count it once.
    """

    payment_id: str
    event_id: str
    person_id: str
    country: str
    occurred_at: datetime
    amount_minor: int
    currency: str
    digits: int

    @property
    def value(self) -> float:
        """The amount in units of its currency."""
        return float(round(self.amount_minor / 10**self.digits, self.digits))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Conversion:
    """A payment, and its person by the platform's digests."""

    payment: Payment
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one run told one platform of one kind; no personal data."""

    platform: str
    kind: str
    sent: int = 0
    refused: int = 0
    nameless: int = 0
    """Of whom neither an address nor a telephone number is known."""
    too_late: int = 0
    """Never told, and in the week before what the platform still takes."""
    corrected: int = 0
    """Told before, and refunded since."""
    detail: str = ""


class Target(Protocol):
    """Where conversions are told. Errors hold no identifier, digest or credential."""

    @property
    def platform(self) -> str:
        """Its name in the ledger."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds that it is set for."""

    @property
    def events_a_batch(self) -> int:
        """How many it takes at once."""

    @property
    def reach(self) -> timedelta:
        """How long ago a conversion may have happened."""

    @property
    def counts_once_for(self) -> timedelta:
        """For how long it knows a conversion that is told again."""

    def send(self, kind: str, conversions: Sequence[Conversion]) -> Answer:
        """Tell it of these; what it refuses one by one is in the answer."""

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands that was taken under this id."""


@runtime_checkable
class Corrects(Protocol):
    """A target that takes back, or restates, what was refunded after it was told."""

    @property
    def corrects_after(self) -> timedelta:
        """How long after it was told a conversion can first be corrected."""

    def correct(
        self, kind: str, payments: Sequence[Payment], at: datetime
    ) -> Mapping[int, str]:
        """Say what the payments come to now; the refused ones, by place, and why."""
