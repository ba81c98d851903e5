"""A warehouse with scores, a vault and a stand-in, and words to change them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import requests

from activation.choosing import Choice, choose_members
from activation.definitions import Definitions, load_definitions
from activation.destinations.kinds import identity_for, opened
from activation.patience import Patience
from activation.pushing import Once, Push, push
from activation.receipts import Receipt
from activation.rim import Rim
from activation.sending import Sender
from warehouse.audience_gate import OPEN, AudienceGate
from warehouse.clickhouse import rows
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.vault import Secret, Vault, load_master_key

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


AS_OF = date(2026, 3, 1)
NEXT_DAY = AS_OF + timedelta(days=1)
TOKEN = "EAAsecret"
_CLEAN = (
    *("activation.desired", "activation.outbox", "activation.batches"),
    *("activation.sent", "activation.acknowledged", "activation.moves"),
    "activation.plans",
    "activation.suppressions",
    *("activation.audience_members", "activation.choices"),
    "ops.audience_receipts",
    "ml.models",
    "ml.churn_scores",
    "ml.lifetime_values",
    "raw.events",
)


class World:
    """An engine, a vault and a stand-in, with words to change them."""

    def __init__(self, settings: Settings, client: "Client") -> None:
        self.settings, self.client = settings, client
        home = Home(settings.home)
        self.vault = Vault.open(home.vault, load_master_key(settings))
        for table in _CLEAN:
            client.command(f"truncate table {table}")
        client.command("create database if not exists marts")
        client.command(
            "create or replace table marts.dim_people (person_id String,"
            " country String, payments UInt32, advertising_consent Bool)"
            " engine = MergeTree order by person_id"
        )

    def definitions(self, **changed: object) -> Definitions:
        """Our own audiences, small enough for a test."""
        ours = load_definitions(country="DE")
        values: dict[str, Any] = {"minimum_size": 1} | changed
        return replace(
            ours,
            custom=tuple(
                replace(one, **values)
                for one in ours.custom
                if one.name in {"at_risk", "high_value"}
            ),
        )

    def person(
        self, name: str, *, consents: bool = True, payments: int = 1, **known: str
    ) -> None:
        self.account(name, consents=consents, payments=payments)
        self.knows(name, **(known or {"email": email(name)}))

    def account(self, name: str, *, consents: bool, payments: int = 1) -> None:
        self.client.insert(
            "marts.dim_people",
            [[name, "DE", payments, consents]],
            column_names=["person_id", "country", "payments", "advertising_consent"],
        )

    def knows(self, name: str, **known: str) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        self.vault.tokens(
            [Secret(f"user:{name}", key, value, at) for key, value in known.items()]
        )

    def withdraws(self, name: str) -> None:
        kept = rows(
            self.client,
            "select * replace (person_id != {name:String} and advertising_consent"
            " as advertising_consent) from marts.dim_people",
            {"name": name},
        )
        self.client.command("truncate table marts.dim_people")
        self.client.insert(
            "marts.dim_people",
            [list(row.values()) for row in kept],
            column_names=list(kept[0]),
        )

    def decides(self, name: str, *, granted: bool, at: str) -> None:
        """A decision on advertising that the door has taken."""
        decided = {"purpose": "advertising", "granted": granted}
        event = {
            "event_id": str(uuid4()),
            "event_name": "consent_decided",
            "user_id": name,
            "occurred_at": at,
            "properties": json.dumps(decided),
        }
        self.client.raw_insert(
            "raw.events", insert_block=json.dumps(event).encode(), fmt="JSONEachRow"
        )

    def values(self, day: date = AS_OF, **values: float) -> None:
        """Expected values; who is valued has an account, known before or not."""
        known = rows(self.client, "select person_id from marts.dim_people")
        for name in values.keys() - {row["person_id"] for row in known}:
            self.client.insert(
                "marts.dim_people",
                [[name, "DE", 1, False]],
                column_names=[
                    "person_id",
                    "country",
                    "payments",
                    "advertising_consent",
                ],
            )
        self._scores("ml.lifetime_values", "expected_value_minor", day, values)

    def churn(self, day: date = AS_OF, **values: float) -> None:
        self._scores("ml.churn_scores", "churn_probability", day, values)

    def _scores(
        self, table: str, column: str, day: date, values: dict[str, float]
    ) -> None:
        self.client.insert(
            table,
            [[day, name, value] for name, value in values.items()],
            column_names=["as_of", "person_id", column],
        )

    def model(self, kind: str, refused_because: str = "") -> None:
        self.client.insert(
            "ml.models",
            [["m", kind, AS_OF, not refused_because, refused_because]],
            column_names=["model_id", "kind", "as_of", "is_chosen", "refused_because"],
        )

    def choose(self, as_of: date = AS_OF) -> dict[str, Choice]:
        chosen = choose_members(self.client, self.vault, self.definitions(), as_of)
        return {choice.audience: choice for choice in chosen}

    @property
    def rim(self) -> Rim:
        return Rim(
            client=self.client,
            vault=self.vault,
            clock=lambda: datetime.now(UTC),
        )

    def push(
        self,
        as_of: date = AS_OF,
        *,
        may_shrink: Iterable[str] = (),
        gate: AudienceGate = OPEN,
        **changed: object,
    ) -> dict[str, Receipt]:
        rim = self.rim
        sender = Sender(
            rim=rim,
            destination=opened("meta", self.settings, Patience(sleep=lambda _: None)),
            identity_of=lambda one: identity_for("meta", one, rim.external_key),
        )
        wanted = Push(
            definitions=self.definitions(**changed),
            as_of=as_of,
            once=Once(may_shrink=frozenset(may_shrink)),
            gate=gate,
        )
        return {receipt.audience: receipt for receipt in push(sender, wanted)}

    def members(self, audience: str, as_of: date = AS_OF) -> dict[str, str]:
        found = rows(
            self.client,
            "select person_id, withheld_because from activation.audience_members"
            " where audience = {audience:String} and as_of = {as_of:Date}"
            " order by person_id",
            {"audience": audience, "as_of": as_of},
        )
        return {row["person_id"]: row["withheld_because"] for row in found}

    def remote(self, audience: str) -> list[str]:
        url = f"{self.settings.meta_graph_url}/_standin/state"
        state = requests.get(url, timeout=60).json()["7"]
        return sorted(one["EMAIL"] for one in state[f"Questlog {audience}"])

    def remote_names(self) -> list[str]:
        url = f"{self.settings.meta_graph_url}/_standin/state"
        return sorted(requests.get(url, timeout=60).json().get("7", {}))

    def at_standin(self, what: str) -> None:
        url = f"{self.settings.meta_graph_url}/_standin/{what}"
        requests.post(url, timeout=60)


def email(name: str) -> str:
    return f"{name}@example.com"


def digests(*names: str) -> list[str]:
    return sorted(hashlib.sha256(email(name).encode()).hexdigest() for name in names)


def a_chosen_crowd(world: World, *names: str) -> None:
    """People of whom everybody is of high value and nobody else is scored."""
    for name in names:
        world.person(name)
    others = {f"other{number}": 0.0 for number in range(9 * len(names))}
    world.values(**dict.fromkeys(names, 5.0), **others)
    world.churn(other0=0.1)
    world.choose()
