"""What a destination of audiences owes us, whatever platform it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from activation.identifiers import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Make a remote audience hold exactly these people.

    `remote_id` is the one an earlier delivery was given, empty for the first.
    """

    audience: str
    meaning: str
    remote_id: str
    people: Sequence[Identity]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookalikeOrder:
    """Keep an audience of strangers like the people of a remote one."""

    audience: str
    seed_remote_id: str
    ratio: float
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a platform answered; counts are rows, as the platform tells them."""

    remote_id: str
    sent: int = 0
    received: int = 0
    invalid: int = 0
    detail: str = ""


class Destination(Protocol):
    """An ad platform's account.

    Every call ends in the state asked for, or raises: Unavailable when a later
    call may succeed, DestinationRefused when none will. Errors never hold an
    identifier, a digest or a credential.
    """

    @property
    def platform(self) -> str:
        """Its name in receipts, and in `identifiers.HASHING`."""

    def replace(self, order: Order) -> Delivery:
        """Make the remote audience equal to the order; nobody is one of its sets.

        An order for nobody empties an audience that exists and creates none; its
        delivery then has an empty `remote_id`.
        """

    def keep_lookalike(self, order: LookalikeOrder) -> Delivery:
        """Create the lookalike unless it exists, and look whether it is ready."""
