"""Conversions back to Meta and Google, against their stand-ins and a real warehouse."""

import contextlib
import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from activation.conversions import rehearse, send
from activation.conversions.values import Told
from activation.standins.google import GoogleFault, GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, BadSetting, DestinationRefused, Unavailable
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.vault import Secret, open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NOW = datetime.now(UTC).replace(microsecond=0)
AS_OF = str((NOW + timedelta(days=1)).date())
YESTERDAY = NOW - timedelta(days=1)
PEOPLE = ("ann", "bob", "cat")


@dataclass
class House:
    """A warehouse with payments, two stand-ins, and a clock that can be moved."""

    settings: Settings
    client: "Client"
    graph: str
    endpoint: str
    google: GoogleStandin
    moved: timedelta = timedelta(0)
    ticks: "itertools.count[int]" = field(default_factory=itertools.count)

    def environ(self, **changed: str) -> dict[str, str]:
        return {
            "QUESTLOG_HOME": str(self.settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(self.settings.endpoint_port),
            "META_GRAPH_URL": self.graph,
            "META_ACCESS_TOKEN": "a-token",
            "META_AD_ACCOUNT_ID": "act_7",
            "META_PIXEL_ID": "1000",
            "GOOGLE_ENDPOINT": self.endpoint,
            "GOOGLE_DEVELOPER_TOKEN": "a-token",
            "GOOGLE_CUSTOMER_ID": "123-456-7890",
            "GOOGLE_CONVERSION_ACTION": "55",
            **changed,
        }

    def clock(self) -> datetime:
        return NOW + self.moved + timedelta(milliseconds=next(self.ticks))

    def send(self, **changed: str) -> dict[tuple[str, str], Told]:
        told = send(AS_OF, environ=self.environ(**changed), clock=self.clock)
        return {(one.platform, one.kind): one for one in told}

    def pay(self, person: str, number: str, **changed: Any) -> None:
        values = {"kind": "payment", "amount": 499, "currency": "EUR", "at": YESTERDAY}
        values |= changed
        self.client.insert(
            "marts.fct_payments",
            [
                (
                    str(uuid.uuid4()),
                    person,
                    values["kind"],
                    number,
                    values["at"],
                    values["currency"],
                    values["amount"],
                )
            ],
            column_names=[
                *("event_id", "person_id", "kind", "payment_id", "occurred_at"),
                *("currency", "amount_minor"),
            ],
        )

    def at_meta(self) -> list[dict[str, Any]]:
        found = requests.get(f"{self.graph}/_standin/events", timeout=60).json()
        return found.get("1000", [])  # type: ignore[no-any-return]

    def at_google(self) -> dict[str, float]:
        return {
            one["transaction_id"]: one["value"]
            for one in self.google.state.events.values()
        }

    def ledger(self) -> list[dict[str, Any]]:
        return rows(
            self.client,
            "select platform, kind, payment_id, amount_minor, state"
            " from activation.conversions final order by platform, kind, payment_id",
        )


@pytest.fixture(scope="module")
def warehouse(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], contextlib.AbstractContextManager[object]],
) -> Iterator[Settings]:
    settings = new_settings()
    with open_vault(settings) as vault:
        vault.tokens(
            [Secret(f"user:{n}", "email", f"{n}@example.com", NOW) for n in PEOPLE]
        )
    with run_endpoint(settings), connect(settings) as client:
        migrate(client)
        make_marts(client)
        yield settings


def make_marts(client: "Client") -> None:
    """The tables of dbt that conversions are read from, empty but for currencies."""
    for database in ("marts", "seeds"):
        client.command(f"create database if not exists {database}")
    client.command(
        "create table marts.dim_people (person_id String, country String,"
        " advertising_consent Bool) engine = MergeTree order by person_id"
    )
    client.command(
        "create table marts.fct_payments (event_id UUID, person_id String,"
        " kind String, payment_id String, occurred_at DateTime64(3, 'UTC'),"
        " currency String, amount_minor Nullable(Int64))"
        " engine = MergeTree order by event_id"
    )
    client.command(
        "create table seeds.currency_digits (currency String, digits UInt8)"
        " engine = MergeTree order by currency"
    )
    client.insert("seeds.currency_digits", [["EUR", 2], ["JPY", 0]])


@pytest.fixture
def house(warehouse: Settings) -> Iterator[House]:
    with (
        connect(warehouse) as client,
        graph_running() as graph,
        google_running() as (endpoint, google),
    ):
        for table in (
            *("marts.dim_people", "marts.fct_payments"),
            *("activation.conversions", "activation.audience_members"),
            *("activation.suppressions", "raw.events"),
        ):
            client.command(f"truncate table {table}")
        client.insert(
            "marts.dim_people",
            [
                ["ann", "DE", True],
                ["bob", "DE", True],
                ["cat", "DE", False],
                ["dan", "DE", True],
            ],
        )
        yield House(warehouse, client, graph, endpoint, google)


def digest(name: str) -> str:
    return hashlib.sha256(f"{name}@example.com".encode()).hexdigest()


def test_a_purchase_is_told_once_to_each_platform_by_digests_alone(
    house: House,
) -> None:
    house.pay("ann", "p1")
    house.pay("bob", "p2", amount=1200, currency="JPY")

    first, again = house.send(), house.send()

    assert first["meta", "purchase"].sent == first["google", "purchase"].sent == 2
    assert again["meta", "purchase"].sent == again["google", "purchase"].sent == 0
    events = {one["custom_data"]["order_id"]: one for one in house.at_meta()}
    assert events["p1"]["user_data"]["em"] == [digest("ann")]
    assert events["p1"]["custom_data"] == {
        "currency": "EUR",
        "value": 4.99,
        "order_id": "p1",
    }
    assert events["p2"]["custom_data"]["value"] == 1200
    assert house.at_google() == {"p1": 4.99, "p2": 1200.0}
    assert {row["state"] for row in house.ledger()} == {"sent"}


def test_consent_suppression_and_names_decide_at_the_moment_of_sending(
    house: House,
) -> None:
    house.pay("cat", "without-consent")
    house.pay("dan", "without-an-address")
    house.pay("bob", "suppressed")
    house.client.insert(
        "activation.suppressions",
        [["bob", "erasure", False, NOW]],
        column_names=["person_id", "because", "is_lifted", "suppressed_at"],
    )

    told = house.send()

    assert told["meta", "purchase"].nameless == 1
    assert (house.at_meta(), house.at_google()) == ([], {})
    assert house.ledger() == []


def test_what_was_refunded_before_is_left_out_or_told_net(house: House) -> None:
    house.pay("ann", "whole")
    house.pay("ann", "whole", kind="refund", amount=-499)
    house.pay("bob", "part", amount=1000)
    house.pay("bob", "part", kind="refund", amount=-400)

    house.send()

    assert house.at_google() == {"part": 6.0}
    assert [one["custom_data"]["value"] for one in house.at_meta()] == [6.0]


def test_what_is_refunded_after_is_taken_back_or_restated_where_that_is_possible(
    house: House,
) -> None:
    house.pay("ann", "whole")
    house.pay("bob", "part", amount=1000)
    house.send()
    house.pay("ann", "whole", kind="refund", amount=-499)
    house.pay("bob", "part", kind="refund", amount=-400)

    too_soon = house.send()
    house.moved = timedelta(hours=26)
    then, again = house.send(), house.send()

    assert too_soon["google", "purchase"].corrected == 0
    assert then["google", "purchase"].corrected == 2
    assert again["google", "purchase"].corrected == 0
    assert house.at_google() == {"whole": 0.0, "part": 6.0}
    assert {
        row["payment_id"]: row["state"]
        for row in house.ledger()
        if row["platform"] == "google"
    } == {"whole": "retracted", "part": "sent"}
    # Meta takes nothing back, and hears of nothing twice
    assert len(house.at_meta()) == 2


def test_who_had_been_at_risk_and_pays_is_won_back(house: House) -> None:
    day = (YESTERDAY - timedelta(days=10)).date()
    house.client.insert(
        "activation.audience_members",
        [[day, "at_risk", "ann", 0.9, True]],
        column_names=["as_of", "audience", "person_id", "value", "sendable"],
    )
    house.pay("ann", "p1")
    house.pay("bob", "p2")

    told = house.send(GOOGLE_AT_RISK_ACTION="56")

    assert told["google", "won_back"].sent == told["meta", "won_back"].sent == 1
    assert sorted(one["event_name"] for one in house.at_meta()) == [
        *("Purchase", "Purchase", "WonBack")
    ]
    assert {key for key in house.google.state.events if key.startswith("56:")} == {
        "56:p1"
    }


def test_what_is_too_old_for_a_platform_is_counted_and_not_sent(house: House) -> None:
    house.pay("ann", "old", at=NOW - timedelta(days=6, hours=23, minutes=30))

    told = house.send()

    assert told["meta", "purchase"].sent == 0
    assert told["meta", "purchase"].too_late == 1
    assert told["google", "purchase"].sent == 1


def test_a_run_that_breaks_off_is_made_good_by_the_next(house: House) -> None:
    house.pay("ann", "p1")
    house.google.faults.append(
        GoogleFault(method="IngestEvents", code="RESOURCE_EXHAUSTED", wait_s=900)
    )

    with pytest.raises(Unavailable, match="google purchase"):
        house.send()
    between = [row["state"] for row in house.ledger()]
    house.send()

    assert between == ["sending", "sent"]
    assert house.at_google() == {"p1": 4.99}
    assert len(house.at_meta()) == 1


def test_what_meta_may_have_counted_two_days_ago_is_not_told_again(
    house: House,
) -> None:
    house.pay("ann", "p1")
    fault = {"kind": "html_502", "edge": "events", "times": 5}
    requests.post(f"{house.graph}/_standin/faults", json=fault, timeout=60)
    only_meta = {"GOOGLE_CONVERSION_ACTION": "", "META_AD_ACCOUNT_ID": "act_7"}
    environ = house.environ(**only_meta)
    with pytest.raises(Unavailable):
        send(AS_OF, environ=environ, clock=house.clock)
    house.moved = timedelta(hours=48)

    house.send(**only_meta)

    assert house.at_meta() == []


def test_google_is_asked_later_how_a_request_ended(house: House) -> None:
    house.google.state.looks_until_done = 3
    house.pay("ann", "p1")

    house.send()
    taken = [r["state"] for r in house.ledger() if r["platform"] == "google"]
    for _ in range(3):
        house.send()

    assert taken == ["taken"]
    assert [r["state"] for r in house.ledger() if r["platform"] == "google"] == ["sent"]


def test_a_request_that_failed_as_a_whole_is_told_again(house: House) -> None:
    house.google.state.fails_because = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
    house.pay("ann", "p1")
    house.send()
    house.google.state.fails_because = ""
    house.google.state.events.clear()

    house.send()

    assert house.at_google() == {"p1": 4.99}


def test_one_event_that_meta_refuses_keeps_none_of_the_others(house: House) -> None:
    for number in range(5):
        house.pay("ann", f"p{number}")
    house.pay("bob", "bad", currency="euro")

    told = house.send(GOOGLE_CONVERSION_ACTION="")

    assert told["meta", "purchase"].sent == 5
    assert told["meta", "purchase"].refused == 1
    assert {r["payment_id"]: r["state"] for r in house.ledger()}["bad"] == "refused"


def test_one_event_that_google_cannot_read_keeps_none_of_the_others(
    house: House,
) -> None:
    house.pay("ann", "p1")
    house.pay("bob", "bad", currency="euro")

    told = house.send(META_PIXEL_ID="")

    assert told["google", "purchase"].sent == 1
    assert told["google", "purchase"].refused == 1
    assert house.at_google() == {"p1": 4.99}


def test_a_platform_that_refuses_keeps_the_other_from_nothing(house: House) -> None:
    requests.post(f"{house.graph}/_standin/revoke", timeout=60)
    house.pay("ann", "p1")

    with pytest.raises(DestinationRefused, match="META_ACCESS_TOKEN"):
        house.send()

    assert house.at_google() == {"p1": 4.99}


def test_a_rehearsal_counts_and_tells_nobody(house: House) -> None:
    house.pay("ann", "p1")

    told = rehearse(AS_OF, environ=house.environ(), clock=house.clock)

    assert [one.sent for one in told if one.kind == "purchase"] == [1, 1]
    assert (house.at_meta(), house.at_google(), house.ledger()) == ([], {}, [])


def test_without_a_pixel_or_an_action_the_settings_are_named(house: House) -> None:
    nowhere = house.environ(META_PIXEL_ID="", GOOGLE_CONVERSION_ACTION="")

    with pytest.raises(BadSetting, match="META_PIXEL_ID, GOOGLE_CONVERSION_ACTION"):
        send(AS_OF, environ=nowhere)
    with pytest.raises(BadInput, match="2026-03-01"):
        send("tomorrow", environ=house.environ())
