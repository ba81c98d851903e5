"""A destination without a platform: what was ordered is kept in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from activation.destination import Delivery, LookalikeOrder, Order
from activation.identifiers import Identity
from warehouse.errors import DestinationRefused, Unavailable


@dataclass(slots=True, kw_only=True)
class InMemory:
    """Keeps sets by audience; raises `failure`, when there is one, at every call."""

    platform: str = "meta"
    failure: Unavailable | DestinationRefused | None = None
    audiences: dict[str, Sequence[Identity]] = field(default_factory=dict)
    lookalikes: dict[str, str] = field(default_factory=dict)

    def replace(self, order: Order) -> Delivery:
        """Make the set equal to the order."""
        self._fail()
        if not order.people and order.audience not in self.audiences:
            return Delivery(remote_id="")
        self.audiences[order.audience] = order.people
        size = len(order.people)
        return Delivery(remote_id=f"set-{order.audience}", sent=size, received=size)

    def keep_lookalike(self, order: LookalikeOrder) -> Delivery:
        """Keep which set a lookalike starts from."""
        self._fail()
        self.lookalikes[order.audience] = order.seed_remote_id
        return Delivery(remote_id=f"like-{order.audience}")

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
