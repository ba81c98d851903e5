"""A town, a destination in memory, and a push between them."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from activation.destinations.kinds import identity_for
from activation.identifiers import Identifiers, Identity
from activation.sending import Sender
from activation.standins.memory import InMemory, Row
from activation.syncing import Order, Synced, sync
from activation.wanting import Wants
from bench._reach import AS_OF, AUDIENCE, Town
from warehouse.clickhouse import rows


@dataclass
class Reach:
    """A town, a destination in memory, and a push between them."""

    town: Town
    there: InMemory = field(default_factory=InMemory)
    order: Order = field(
        default_factory=lambda: Order(
            audience=AUDIENCE,
            meaning="Best.",
            as_of=AS_OF,
            wants=Wants(chosen_on=AS_OF),
        )
    )

    def identity_of(self, one: Identifiers) -> Identity:
        return identity_for("meta", one, self.town.rim.external_key)

    @property
    def sender(self) -> Sender:
        return Sender(
            rim=self.town.rim, destination=self.there, identity_of=self.identity_of
        )

    def push(self, **changed: Any) -> Synced:
        self.town.write()
        self.town.moment += timedelta(hours=1)
        self.there.calls.clear()
        return sync(self.sender, replace(self.order, **changed))

    def come(self, *names: str) -> None:
        for name in names:
            self.town.knows(name, email=f"{name}@example.com")
            self.town.people[name].is_chosen = True

    def rows(self) -> set[Row]:
        return {row for one in self.there.sets.values() for row in one}

    def is_exact(self) -> bool:
        return self.rows() == self.town.expected(self.identity_of)

    def stays(self, name: str) -> list[tuple[str, str, bool]]:
        """Why somebody entered and left, stay by stay, and whether they are in."""
        found = rows(
            self.town.client,
            "select entered_because, left_because, isNull(left_at) as is_in"
            " from activation.memberships where person_id = {name:String}"
            " order by entered_at",
            {"name": name},
        )
        return [
            (row["entered_because"], row["left_because"], bool(row["is_in"]))
            for row in found
        ]

    def members(self) -> list[str]:
        """The external ids of those who are in, as memberships tell."""
        found = rows(
            self.town.client,
            "select person_id from activation.memberships where left_at is null",
        )
        named = (Identifiers(row["person_id"]) for row in found)
        return sorted(self.identity_of(one)["EXTERN_ID"].hex for one in named)

    def external_ids(self) -> list[str]:
        """Of everybody who is there."""
        pairs = (pair for row in self.rows() for pair in row)
        return sorted(told for kind, told in pairs if kind == "EXTERN_ID")

    def of(self, name: str) -> Row:
        """What is there of somebody by their external id."""
        key = self.identity_of(Identifiers(name))["EXTERN_ID"].hex
        return frozenset(
            pair for row in self.rows() for pair in row if ("EXTERN_ID", key) in row
        )
