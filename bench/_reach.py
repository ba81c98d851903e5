"""A small town of people whose wishes change, and what a platform should then hold.

Used by the benchmark of the reach and by the tests of its ledger.
"""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from activation.identifiers import Identifiers, Identity
from activation.rim import Rim
from activation.standins.memory import Row, row_of
from warehouse.clickhouse import define
from warehouse.vault import Secret, Vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AS_OF = date(2026, 3, 1)
AUDIENCE = "best"
_BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
_TABLES = (
    *("activation.desired", "activation.outbox", "activation.batches"),
    *("activation.sent", "activation.acknowledged", "activation.moves"),
    "activation.plans",
    *("activation.suppressions", "activation.audience_members"),
    *("ops.audience_receipts", "raw.events"),
)


@dataclass(slots=True)
class Citizen:
    """Somebody, as the house knows them."""

    email: str = ""
    phone: str = ""
    is_chosen: bool = False
    consents: bool = True
    value: float = 1.0


@dataclass(slots=True)
class Town:
    """The people; `write` brings what changed into the warehouse and the vault.

    The clock goes on by a second with each look at it. That of the warehouse is
    `behind` it: it may be set back.
    """

    client: "Client"
    vault: Vault
    people: dict[str, Citizen] = field(default_factory=dict)
    moment: datetime = _BEGINNING
    behind: timedelta = timedelta()
    denied: set[str] = field(default_factory=set)
    stated: set[str] = field(default_factory=set)
    """Every address and number that anybody ever stated."""
    looking: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def rim(self) -> Rim:
        """What a sync is given."""
        return Rim(
            client=self.client,
            vault=self.vault,
            clock=lambda: self.now() - self.behind,
        )

    def now(self) -> datetime:
        """The town's time."""
        with self.looking:
            self.moment += timedelta(seconds=1)
            return self.moment

    def seconds(self) -> float:
        """The same in seconds since 1970; this look does not move it."""
        return self.moment.timestamp()

    def empty(self) -> None:
        """Forget everything but the vault."""
        self.people.clear()
        self.denied.clear()
        for table in _TABLES:
            self.client.command(f"truncate table {table}")
        define(self.client, "create database if not exists marts")
        define(
            self.client,
            "create or replace table marts.dim_people (person_id String,"
            " country String, payments UInt32, advertising_consent Bool)"
            " engine = MergeTree order by person_id",
        )

    def knows(self, name: str, *, email: str = "", phone: str = "") -> None:
        """Somebody states an e-mail address or a phone number."""
        one = self.people.setdefault(name, Citizen())
        stated = {"email": email, "phone": phone}
        secrets = [
            Secret(f"user:{name}", key, value, self.now())
            for key, value in stated.items()
            if value
        ]
        self.vault.tokens(secrets)
        self.stated |= {secret.value for secret in secrets}
        one.email, one.phone = email or one.email, phone or one.phone

    def denies(self, name: str) -> None:
        """Somebody withdraws consent, which the door has taken and no mart knows."""
        self._decides(name, granted=False)
        self.denied.add(name)

    def allows(self, name: str) -> None:
        """Somebody consents again."""
        self._decides(name, granted=True)
        self.denied.discard(name)

    def _decides(self, name: str, *, granted: bool) -> None:
        now = self.now().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        event = {
            "event_id": str(uuid4()),
            "event_name": "consent_decided",
            "user_id": name,
            "occurred_at": now,
            "loaded_at": now,
            "properties": json.dumps({"purpose": "advertising", "granted": granted}),
        }
        self.client.raw_insert(
            "raw.events", insert_block=json.dumps(event).encode(), fmt="JSONEachRow"
        )

    def write(self) -> None:
        """Bring the people into the warehouse as they are now."""
        for table in ("marts.dim_people", "activation.audience_members"):
            self.client.command(f"truncate table {table}")
        if not self.people:
            return
        self.client.insert(
            "marts.dim_people",
            [[name, "DE", 1, one.consents] for name, one in self.people.items()],
            column_names=["person_id", "country", "payments", "advertising_consent"],
        )
        chosen = [
            [AS_OF, AUDIENCE, name, one.value, True]
            for name, one in self.people.items()
            if one.is_chosen
        ]
        if chosen:
            self.client.insert(
                "activation.audience_members",
                chosen,
                column_names=["as_of", "audience", "person_id", "value", "sendable"],
            )

    def expected(self, identity_of: Callable[[Identifiers], Identity]) -> set[Row]:
        """What a set should hold: all who are chosen, consent and can be found."""
        return {row_of(identity_of(one)) for one in self.sendable()} - {frozenset()}

    def sendable(self) -> Iterable[Identifiers]:
        """People who are chosen, consent and can be found."""
        return [
            Identifiers(name, email=one.email, phone=one.phone, country="DE")
            for name, one in self.people.items()
            if one.is_chosen
            and one.consents
            and name not in self.denied
            and (one.email or one.phone)
        ]
