"""What people type about gates and producers: all at once, wanted, quality."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from expectations.gates import GATES
from tests.integration.gates.warehouse import EVENT, RunEndpoint, insert
from warehouse.clickhouse import rows
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


def typed(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "questlog", *words],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def reports(done: "subprocess.CompletedProcess[str]") -> dict[str, bool]:
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return {report["gate"]: report["open"] for report in told}


def test_all_gates_are_judged_and_each_that_is_closed_says_why(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})
    insert(sound, "activation.audience_members", {"person_id": "nobody"})

    done = typed(settings, "gate", "all", "--as-of", "2026-03-01", "--json")

    assert done.returncode == 1
    assert list(reports(done)) == list(GATES)
    assert reports(done)["staging"] is reports(done)["audiences"] is False
    assert reports(done)["churn"] is True
    assert "person_is_present: 1 row" in done.stderr
    assert "members_are_known_people: 1 row" in done.stderr
    index = settings.home / "pages" / "data-docs" / "index.html"
    assert all(f'href="{gate}/index.html"' in index.read_text() for gate in GATES)


def test_all_gates_let_nothing_pass_that_is_wanted_of_one(settings: Settings) -> None:
    done = typed(
        settings,
        *("gate", "all", "--as-of", "2026-03-01"),
        *("--wanted", "no_grave_past", "--because", "a mended model"),
    )

    assert done.returncode != 0
    assert "name that gate" in done.stderr


def test_what_is_wanted_needs_a_reason_and_is_kept_with_it(
    sound: "Client", settings: Settings
) -> None:
    wanted = (
        *("gate", "marts", "--as-of", "2026-03-01", "--json"),
        *("--wanted", "no_grave_past"),
    )

    silent = typed(settings, *wanted)
    reasoned = typed(settings, *wanted, "--because", "sessions end at 30 minutes now")

    assert silent.returncode != 0
    assert silent.stdout == ""
    (rule,) = (
        result
        for result in json.loads(reasoned.stdout)["results"]
        if result["expectation"] == "no_grave_past"
    )
    assert rule["severity"] == "warn"
    (kept,) = rows(
        sound,
        "select because, subject, detail from ops.audit where action = 'gate.pass'",
    )
    assert kept["because"] == "sessions end at 30 minutes now"
    assert kept["subject"] == "marts"
    assert "no_grave_past" in str(kept["detail"])


def test_a_broken_rule_is_never_wanted(sound: "Client", settings: Settings) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    done = typed(
        settings,
        *("gate", "staging", "--as-of", "2026-03-01", "--json"),
        *("--wanted", "person_is_present", "--because", "it hurts"),
    )

    assert done.returncode == 1
    assert "person_is_present: 1 row" in done.stderr


def test_quality_tells_what_a_producer_sent_again_late_tagged_and_refused(
    sound: "Client", settings: Settings
) -> None:
    at = "2026-02-27 10:00:00"
    told = {
        "event_name": "page_viewed",
        "source": "web",
        "user_id": "ann",
        "occurred_at": at,
        "received_at": at,
        "known_at": at,
        "properties": "{}",
    }
    ids = [f"00000000-0000-4000-8000-00000000000{place}" for place in range(4)]
    for table in ("raw.events", "raw.refused_events", "staging.stg_events"):
        sound.command(f"truncate table {table}")
    insert(
        sound,
        "raw.events",
        {**told, "event_id": ids[0]},
        {**told, "event_id": ids[0]},
        {**told, "event_id": ids[1], "occurred_at": "2026-02-27 07:00:00"},
        {**told, "event_id": ids[2], "tags": ["unplanned_property"]},
    )
    insert(
        sound,
        "raw.refused_events",
        {
            "event_id": ids[3],
            "event_name": "engagement.page_viewed",
            "source": "web",
            "received_at": at,
            "reason": "type_mismatch",
        },
    )

    done = typed(settings, "quality", "report", "--as-of", "2026-03-01", "--json")

    assert done.returncode == 0, done.stderr
    lines = [one for one in json.loads(done.stdout) if one["events"]]
    assert [
        (one["event_name"], one["events"], one["refused"], one["violations"])
        for one in lines
    ] == [("page_viewed", 3, 1, 1)]
    assert sum(one["late"] for one in lines) == 1
    assert sum(one["copies"] for one in lines) == 1
    assert sum(one["refused"] for one in json.loads(done.stdout)) == 1
    (kept,) = rows(
        sound,
        "select sum(refused) as refused, max(late_p95_s) as late_p95_s"
        " from ops.quality",
    )
    assert kept == {"refused": 1, "late_p95_s": 3 * 3600.0}


def test_quality_of_a_warehouse_without_staged_events_says_what_to_build(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> None:
    made = new_settings()
    with run_endpoint(made):
        done = typed(made, "quality", "report", "--as-of", "2026-03-01")

    assert done.returncode == 1
    assert "Build it first: `questlog build staging`." in done.stderr
    assert "Traceback" not in done.stderr
