"""The ingest service as its senders meet it."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.keys import add, revoke
from tests.unit.door import NOW, Door, a_door, an_event
from warehouse.errors import Unavailable
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))
BODIES = CASES / "bad_input" / "json_test_parsing"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with a_door(tmp_path) as opened:
        yield opened


def test_a_batch_gets_a_verdict_for_each_event(door: Door) -> None:
    answer = door.post({"events": [an_event(1), an_event(2, event_name="flew")]})

    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 1,
        "refused": 1,
        "verdicts": [
            {
                "event_id": an_event(1)["event_id"],
                "status": "accepted",
                "tags": [],
                "objections": [],
            },
            {
                "event_id": an_event(2)["event_id"],
                "status": "refused",
                "tags": [],
                "objections": [
                    {
                        "reason": "unplanned_event",
                        "at": "/event_name",
                        "message": "No event of this name in the taxonomy.",
                        "recoverable": True,
                    }
                ],
            },
        ],
    }
    assert len(door.rows("accepted")) == len(door.rows("refused")) == 1


def test_an_open_key_lets_in_and_tags(door: Door) -> None:
    answer = door.post(an_event(event_name="flew"), key=door.open)

    assert answer.json()["verdicts"][0]["tags"] == ["unplanned_event"]
    assert door.rows("accepted")[0]["source"] == "wild"


@pytest.mark.parametrize(
    "header",
    [
        lambda key: {"Authorization": f"bearer {key}"},
        lambda key: {"X-Write-Key": key},
        lambda key: {
            "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        },
    ],
)
def test_a_key_may_come_in_three_ways(
    door: Door, header: Callable[[str], dict[str, str]]
) -> None:
    answer = door.client.post(
        "/v1/events", json=an_event(), headers=header(door.planned)
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer qlk_wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic ???"},
        {"Authorization": "Digest x"},
        {"X-Write-Key": "\u00e9".encode("latin-1")},
    ],
)
def test_without_a_valid_key_the_sender_learns_how_to_send_one(
    door: Door, headers: dict[str, str]
) -> None:
    answer = door.client.post("/v1/events", json=an_event(), headers=headers)

    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json()["error"]
    assert answer.headers["www-authenticate"]
    assert not door.rows("accepted")


def test_keys_made_and_revoked_count_without_a_restart(door: Door) -> None:
    before = door.post(an_event()).status_code
    new = add(door.keys, source="app", mode="planned", now=NOW)
    revoke(door.keys, named="web", now=NOW)

    assert before == 200
    assert door.post(an_event()).status_code == 401
    assert door.post(an_event(), key=new).status_code == 200


def test_a_body_over_five_mebibytes_is_too_long_announced_or_not(door: Door) -> None:
    body = b"[" + b" " * 5 * 1024 * 1024 + b"]"
    announced = door.post(body)
    streamed = door.client.post(
        "/v1/events",
        content=iter([body[:10], body[10:]]),
        headers={"X-Write-Key": door.planned},
    )

    assert announced.status_code == streamed.status_code == 413
    assert "5 MiB" in announced.json()["error"]


def test_too_many_events_are_413(door: Door) -> None:
    assert door.post([an_event()] * 1001).status_code == 413


def test_when_the_log_cannot_be_written_the_sender_is_told_to_retry(door: Door) -> None:
    class FullDisk:
        def append(self, _records: object) -> int:
            raise Unavailable("The log cannot be written: No space left on device.")

    keeping = replace(door.service.keeping, log=FullDisk())

    answer = door.but(keeping=keeping).post(an_event())

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "space" not in answer.text


def test_direct_identifiers_go_to_the_vault_and_leave_a_token(door: Door) -> None:
    event = an_event(
        event_name="user_signed_up",
        properties={"signup_method": "email", "email": "ann@example.com"},
    )

    answer = door.post([event, event])

    assert answer.json()["accepted"] == 2
    first, second = (json.loads(row["properties"]) for row in door.rows("accepted"))
    assert first == second
    assert first["email"].startswith("tok_")
    vault = door.service.keeping.vault
    assert vault.latest(["user:ann"], ["email"]) == {
        "user:ann": {"email": "ann@example.com"}
    }


def test_refused_bytes_are_sealed(door: Door) -> None:
    door.post(an_event(event_name="flew", properties={"email": "ann@example.com"}))

    row = door.rows("refused")[0]
    assert "ann@" not in json.dumps(row)
    sealed = base64.b64decode(row["sealed_bytes"])
    assert b"ann@example.com" in door.service.keeping.vault.unseal(sealed)


def a_decision(number: int, *, granted: bool, at: str) -> dict[str, Any]:
    return an_event(
        number,
        event_name="consent_decided",
        timestamp=at,
        properties={
            "purpose": "analytics",
            "granted": granted,
            "policy_version": "1",
        },
    )


def test_who_denies_analytics_is_refused_from_then_on_and_may_come_back(
    door: Door,
) -> None:
    denied = a_decision(1, granted=False, at="2026-03-01T09:00:00Z")
    granted = a_decision(2, granted=True, at="2026-03-01T09:30:00Z")

    before = door.post(an_event(3)).json()
    together = door.post(
        [denied, an_event(4), an_event(5, timestamp="2026-03-01T08:00:00Z")]
    ).json()
    after = door.post([an_event(6, properties={"method": "x"}), denied]).json()
    another = door.post(an_event(7, user_id="bob")).json()
    back = [door.post(granted).json(), door.post(an_event(8)).json()]

    assert before["accepted"] == 1
    assert [one["status"] for one in together["verdicts"]] == [
        "accepted",
        "refused",
        "accepted",
    ]
    assert [one["status"] for one in after["verdicts"]] == ["refused", "accepted"]
    assert another["accepted"] == 1
    assert [one["accepted"] for one in back] == [1, 1]
    refusals = door.rows("refused")
    assert {row["reason"] for row in refusals} == {"consent"}
    assert {row["sealed_bytes"] for row in refusals} == {""}


def test_the_root_health_and_metrics_answer(door: Door) -> None:
    door.post([an_event(1), an_event(2, event_name="flew")])

    assert "POST /v1/events" in door.client.get("/").text
    assert door.client.get("/healthz").json() == {"status": "ok"}
    metrics = door.client.get("/metrics").text
    assert 'questlog_events_accepted_total{source="web"} 1.0' in metrics
    assert 'reason="unplanned_event",source="web"} 1.0' in metrics
    assert "questlog_ack_seconds_count 1.0" in metrics
    assert "questlog_loader_lag_bytes" in metrics


@pytest.mark.skipif(not BODIES.is_dir(), reason=f"{BODIES} is absent")
def test_no_body_of_the_parsing_suite_breaks_the_door_as_lines_either(
    door: Door,
) -> None:
    client, headers = door.client, {"X-Write-Key": door.open}
    headers["Content-Type"] = "application/x-ndjson"

    codes = [
        client.post("/v1/events", content=path.read_bytes(), headers=headers)
        for path in sorted(BODIES.glob("*.json"))
    ]

    assert {answer.status_code for answer in codes} <= {200, 400, 413}
    assert not door.rows("accepted")


def test_a_damaged_vault_is_no_fault_of_the_sender(door: Door) -> None:
    signed_up = an_event(
        event_name="user_signed_up",
        properties={"signup_method": "email", "email": "ann@example.org"},
    )
    assert door.post(signed_up).status_code == 200
    vault = door.service.keeping.vault
    vault._store.connection.execute("update people set wrapped_key = x'00'")

    answer = door.post(signed_up)

    assert answer.status_code == 503
    assert "vault" not in answer.text
