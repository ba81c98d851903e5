"""One push by command to both platforms' stand-ins: receipts apart, none stopped."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from activation.standins.google import GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from warehouse.clickhouse import connect
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.vault import Secret, Vault, load_master_key

AS_OF = date(2026, 3, 1)
NAMES = [f"p{number:02}" for number in range(25)]


@dataclass
class Both:
    """Two stand-ins, and a warehouse in which all people are of high value."""

    settings: Settings
    graph: str
    endpoint: str
    google: GoogleStandin

    def push(self) -> "subprocess.CompletedProcess[str]":
        return self.audiences("push")

    def receipts(self) -> dict[tuple[str, str], Any]:
        told = json.loads(self.audiences("list").stdout)
        return {(one["audience"], one["platform"]): one for one in told}

    def at_google(self) -> set[str]:
        there = self.google.state.members("1234567890", "Questlog high_value")
        return {one["email_address"] for one in there}

    def at_meta(self) -> set[str]:
        state = requests.get(f"{self.graph}/_standin/state", timeout=60).json()
        there = state.get("7", {}).get("Questlog high_value", [])
        return {one["EMAIL"] for one in there}

    def audiences(self, word: str) -> "subprocess.CompletedProcess[str]":
        return self.questlog("audiences", word, "--as-of", str(AS_OF), "--json")

    def questlog(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "questlog", *words],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "QUESTLOG_HOME": str(self.settings.home),
                "QUESTLOG_ENDPOINT_PORT": str(self.settings.endpoint_port),
                "META_GRAPH_URL": self.graph,
                "META_ACCESS_TOKEN": "a-token",
                "META_AD_ACCOUNT_ID": "act_7",
                "GOOGLE_ENDPOINT": self.endpoint,
                "GOOGLE_DEVELOPER_TOKEN": "a-token",
                "GOOGLE_CUSTOMER_ID": "123-456-7890",
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def filled_warehouse(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], contextlib.AbstractContextManager[object]],
) -> Iterator[Settings]:
    settings = new_settings()
    vault = Vault.open(Home(settings.home).vault, load_master_key(settings))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with contextlib.closing(vault):
        vault.tokens(
            [Secret(f"user:{n}", "email", f"{n}@example.com", at) for n in NAMES]
        )
    with run_endpoint(settings), connect(settings) as client:
        migrate(client)
        client.command("create database if not exists marts")
        client.command(
            "create table marts.dim_people (person_id String, country String,"
            " payments UInt32, advertising_consent Bool)"
            " engine = MergeTree order by person_id"
        )
        client.insert("marts.dim_people", [[name, "DE", 1, True] for name in NAMES])
        client.insert(
            "activation.audience_members",
            [[AS_OF, "high_value", name, 1.0, True] for name in NAMES],
            column_names=["as_of", "audience", "person_id", "value", "sendable"],
        )
        yield settings


@pytest.fixture
def both(filled_warehouse: Settings) -> Iterator[Both]:
    with graph_running() as graph, google_running() as (endpoint, google):
        yield Both(filled_warehouse, graph, endpoint, google)


def digests(names: Iterable[str]) -> set[str]:
    """What both platforms are told of an e-mail address."""
    return {hashlib.sha256(f"{n}@example.com".encode()).hexdigest() for n in names}


def test_one_push_brings_the_same_people_to_both_platforms(both: Both) -> None:
    pushed = both.push()

    assert pushed.returncode == 0, pushed.stderr
    assert both.at_meta() == both.at_google() == digests(NAMES)
    receipts = both.receipts()
    for platform in ("meta", "google"):
        receipt = receipts["high_value", platform]
        assert (receipt["status"], receipt["received"]) == ("delivered", len(NAMES))
    assert {audience for audience, _ in receipts} >= {"at_risk", "high_value"}


def test_a_platform_that_refuses_leaves_the_other_delivered(both: Both) -> None:
    requests.post(f"{both.graph}/_standin/revoke", timeout=60)

    pushed = both.push()

    assert pushed.returncode == 1
    assert "meta: " in pushed.stderr
    assert (both.at_meta(), both.at_google()) == (set(), digests(NAMES))
    receipts = both.receipts()
    assert receipts["high_value", "meta"]["status"] == "failed"
    assert receipts["high_value", "google"]["status"] == "delivered"


def test_an_erased_person_is_out_of_both_audiences_and_no_push_brings_them_back(
    both: Both,
) -> None:
    both.push()
    before = (both.at_meta(), both.at_google())

    erased = both.questlog("erase", NAMES[-1], "--because", "request 7", "--json")
    there = (both.at_meta(), both.at_google())
    pushed = both.push()

    others = digests(NAMES[:-1])
    assert before == (digests(NAMES), digests(NAMES))
    assert erased.returncode == 0, erased.stderr
    assert set(json.loads(erased.stdout)["audiences"]) == {
        "meta/high_value",
        "google/high_value",
    }
    assert there == (others, others)
    assert pushed.returncode == 0, pushed.stderr
    assert (both.at_meta(), both.at_google()) == (others, others)
