"""One push by command to both platforms' stand-ins: receipts apart, none stopped."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
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
NAMES = [f"p{number:02}" for number in range(20)]


@dataclass
class Both:
    """Two stand-ins, and a warehouse in which twenty people are of high value."""

    settings: Settings
    graph: str
    endpoint: str
    google: GoogleStandin

    def push(self) -> "subprocess.CompletedProcess[str]":
        return self.questlog("push")

    def receipts(self) -> dict[tuple[str, str], Any]:
        told = json.loads(self.questlog("list").stdout)
        return {(one["audience"], one["platform"]): one for one in told}

    def at_google(self) -> int:
        return len(self.google.state.members("1234567890", "Questlog high_value"))

    def at_meta(self) -> int:
        state = requests.get(f"{self.graph}/_standin/state", timeout=5).json()
        return len(state.get("7", {}).get("Questlog high_value", []))

    def questlog(self, word: str) -> "subprocess.CompletedProcess[str]":
        words = ("audiences", word, "--as-of", str(AS_OF), "--json")
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
def warehouse_of_twenty(
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
def both(warehouse_of_twenty: Settings) -> Iterator[Both]:
    with graph_running() as graph, google_running() as (endpoint, google):
        yield Both(warehouse_of_twenty, graph, endpoint, google)


def test_one_push_brings_the_same_people_to_both_platforms(both: Both) -> None:
    pushed = both.push()

    assert pushed.returncode == 0, pushed.stderr
    assert (both.at_meta(), both.at_google()) == (20, 20)
    receipts = both.receipts()
    for platform in ("meta", "google"):
        receipt = receipts["high_value", platform]
        assert (receipt["status"], receipt["received"]) == ("delivered", 20)
    assert {audience for audience, _ in receipts} >= {"at_risk", "high_value"}


def test_a_platform_that_refuses_leaves_the_other_delivered(both: Both) -> None:
    requests.post(f"{both.graph}/_standin/revoke", timeout=5)

    pushed = both.push()

    assert pushed.returncode == 1
    assert "meta: " in pushed.stderr
    assert (both.at_meta(), both.at_google()) == (0, 20)
    receipts = both.receipts()
    assert receipts["high_value", "meta"]["status"] == "failed"
    assert receipts["high_value", "google"]["status"] == "delivered"
