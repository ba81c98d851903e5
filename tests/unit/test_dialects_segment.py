"""Segment's HTTP API, spoken by Segment's own client and by hand."""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from segment.analytics.client import Client
from segment.analytics.request import APIError

from ingestion.dialects.aliases import Aliases, snake_case
from ingestion.dialects.money import in_minor_units
from ingestion.keys import Terms, add
from ingestion.quotas import Quotas
from tests.unit.tracker_door import NOW, TAXONOMY, TrackerDoor, a_door, served
from warehouse.errors import BadTaxonomy
from warehouse.settings import REPOSITORY

AT = datetime(2026, 3, 1, 9, 59, tzinfo=UTC)
MESSAGE_ID = "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[TrackerDoor]:
    with a_door(tmp_path) as one:
        yield one


def a_message(**changed: Any) -> dict[str, Any]:
    return {
        "event": "Signed In",
        "userId": "ann",
        "messageId": MESSAGE_ID,
        "timestamp": "2026-03-01T09:59:00.000Z",
        "properties": {"method": "email"},
    } | changed


def post(door: TrackerDoor, path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    user = base64.b64encode(f"{door.key}:".encode()).decode()
    headers = {"Authorization": f"Basic {user}"} | headers
    return door.client.post(f"/v1/{path}", content=content, headers=headers)


@pytest.mark.parametrize("packed", [False, True])
def test_segments_own_client_is_pointed_here_and_all_its_calls_arrive(
    tmp_path: Path, *, packed: bool
) -> None:
    with a_door(tmp_path, real_time=True) as door, served(door) as port:
        client = Client(
            door.key, host=f"http://127.0.0.1:{port}", sync_mode=True, gzip=packed
        )
        client.identify(
            "ann",
            {"email": "ann@example.com", "firstName": "Ann", "industry": "fintech"},
            anonymous_id="device_1",
        )
        client.track(
            "ann", "Order Completed", {"order_id": 7, "total": 4.99, "currency": "eur"}
        )
        client.page("ann", name="Games", properties={"url": "https://x.example/games"})
        client.screen("ann", name="Game table", category="play")
        client.group("ann", "company_77", {"name": "Example GmbH"})
        client.alias("device_2", "ann")
        rows, refused = door.accepted(), door.refused()

    assert [(row["event_name"], row["tags"]) for row in rows] == [
        ("person_identified", []),
        ("payment_completed", []),
        ("page_viewed", []),
        ("screen_viewed", []),
        ("group_joined", []),
        ("person_identified", []),
    ]
    identified, paid, viewed, _, _, aliased = rows
    assert (identified["user_id"], identified["anonymous_id"]) == ("ann", "device_1")
    assert identified["user_properties"]["email"].startswith("tok_")
    assert identified["user_properties"]["industry"] == "fintech"
    assert paid["properties"] == {
        "payment_id": "7",
        "product": "single",
        "currency": "EUR",
        "amount_cents": 499,
    }
    assert paid["source"] == "web"
    assert paid["context"]["tracker"].startswith("analytics-python/2.")
    assert viewed["properties"]["path"] == "/games"
    assert viewed["properties"]["title"] == "Games"
    assert aliased["anonymous_id"] == "device_2"
    assert refused == []


def test_the_client_learns_at_once_that_its_key_is_wrong(tmp_path: Path) -> None:
    with a_door(tmp_path) as door, served(door) as port:
        client = Client("wrong", host=f"http://127.0.0.1:{port}", sync_mode=True)

        with pytest.raises(APIError) as refused:
            client.track("ann", "Signed In")

    assert refused.value.status == 401
    assert refused.value.code == "unauthorized"


def test_the_four_clocks_are_the_senders_own(door: TrackerDoor) -> None:
    sent = {"sentAt": "2026-03-01T10:00:30.000Z"}
    corrected = a_message(
        timestamp="2026-03-01T09:58:00.000Z",
        originalTimestamp="2026-03-01T09:59:30.000Z",
    )

    answer = post(door, "batch", {"batch": [corrected | {"type": "track"}], **sent})

    assert answer.json() == {"success": True}
    (row,) = door.accepted()
    assert row["occurred_at"] == "2026-03-01 09:59:30.000"
    assert row["sent_at"] == "2026-03-01 10:00:30.000"
    assert row["received_at"] == "2026-03-01 10:00:00.000"
    assert row["clock_offset_ms"] == -30_000


def test_a_repeated_message_is_the_same_event_whatever_its_id_looks_like(
    door: TrackerDoor,
) -> None:
    odd = a_message(messageId="ajs-next-1772359140000-x")
    nameless = a_message(messageId=None)

    for _ in range(2):
        post(door, "track", a_message())
        post(door, "track", odd)
        post(door, "track", nameless)
        post(door, "import", {"batch": [odd | {"type": "track"}]})

    ids = {row["event_id"] for row in door.accepted()}
    assert len(ids) == 3
    assert MESSAGE_ID in ids
    assert all(UUID(one) for one in ids)


def test_a_message_without_id_and_time_is_an_event_each_time(
    door: TrackerDoor,
) -> None:
    bare = {"type": "track", "event": "Signed In", "userId": "ann"}

    post(door, "batch", {"batch": [bare, bare]})

    assert len({row["event_id"] for row in door.accepted()}) == 2


def test_a_bad_message_never_costs_its_neighbours_their_place(
    door: TrackerDoor,
) -> None:
    batch = [
        a_message(type="track"),
        a_message(type="track", event="Never Planned"),
        a_message(type="track", userId=None),
        a_message(type="fly"),
        7,
        {},
    ]

    answer = post(door, "batch", {"batch": batch})

    assert answer.json() == {"success": True}
    assert len(door.accepted()) == 1
    assert [row["reason"] for row in door.refused()] == [
        "unplanned_event",
        "envelope",
        "unplanned_event",
        "envelope",
        "envelope",
    ]
    assert door.refused()[0]["event_name"] == "never_planned"


def test_half_a_surrogate_pair_spoils_its_own_message_only(door: TrackerDoor) -> None:
    bad = a_message(type="track", userId="\ud800")

    post(door, "batch", {"batch": [bad, a_message(type="track")]})

    assert len(door.accepted()) == 1
    assert [row["reason"] for row in door.refused()] == ["not_json"]


def test_what_has_no_word_of_ours_is_kept_beside_and_addresses_are_cut(
    door: TrackerDoor,
) -> None:
    context = {
        "ip": "192.0.2.77",
        "userAgent": "Mozilla/5.0",
        "os": {"name": "iOS", "version": "17"},
        "device": {"type": "ios", "id": "d1"},
        "app": {"version": "2.1"},
        "campaign": {"name": "spring", "source": "newsletter"},
        "page": {"url": "https://x.example/a?utm_medium=email", "referrer": "r"},
        "traits": {"name": "Ann Example", "industry": "fintech"},
    }

    post(door, "page", a_message(context=context, properties={"depth": 3}))

    (row,) = door.accepted()
    assert row["tags"] == []
    assert row["context"] == {
        "ip_address": "192.0.2.0",
        "user_agent": "Mozilla/5.0",
        "os": "ios",
        "device_type": "ios",
        "page_url": "https://x.example/a?utm_medium=email",
        "referrer": "r",
        "as_sent": {
            "context": {
                "app": {"version": "2.1"},
                "campaign": {"name": "spring", "source": "newsletter"},
                "device": {"id": "d1", "type": "ios"},
                "os": {"name": "iOS", "version": "17"},
            },
            "properties": {"depth": 3},
        },
    }
    assert row["properties"] == {
        "path": "/a",
        "url": "https://x.example/a?utm_medium=email",
        "referrer": "r",
        "utm_campaign": "spring",
        "utm_medium": "email",
        "utm_source": "newsletter",
    }
    assert row["user_properties"] == {"industry": "fintech"}


def test_a_trait_nobody_planned_is_stripped_and_noted(door: TrackerDoor) -> None:
    post(door, "identify", a_message(traits={"name": "Ann Example", "industry": "x"}))

    (row,) = door.accepted()
    assert row["user_properties"] == {"industry": "x"}
    assert row["tags"] == ["additional_property"]
    assert "Example" not in json.dumps(row)


def test_a_stamp_of_no_consent_refuses_the_event_and_keeps_no_bytes(
    door: TrackerDoor,
) -> None:
    def stamped(**preferences: bool) -> dict[str, Any]:
        consent = {"consent": {"categoryPreferences": preferences}}
        return a_message(type="track", messageId=None, context=consent)

    batch = [stamped(Analytics=False), stamped(Analytics=True, Advertising=False)]
    post(door, "batch", {"batch": batch})

    assert len(door.accepted()) == 1
    (row,) = door.refused()
    assert (row["reason"], row["sealed_bytes"]) == ("consent", "")


def test_a_decision_about_consent_holds_for_what_comes_later(
    door: TrackerDoor,
) -> None:
    preferences = {"Analytics": False, "Advertising": True, "Functional": True}
    decided = a_message(
        event="Segment Consent Preference Updated",
        context={"consent": {"categoryPreferences": preferences}},
    )

    post(door, "track", decided)
    post(door, "track", a_message(messageId="later"))

    assert {
        row["properties"]["purpose"]: row["properties"]["granted"]
        for row in door.accepted()
    } == {"analytics": False, "advertising": True}
    assert [row["reason"] for row in door.refused()] == ["consent"]


def test_a_browsers_key_stands_in_the_body(door: TrackerDoor) -> None:
    body = a_message(writeKey=door.key)

    answer = door.client.post("/v1/track", content=json.dumps(body))
    without = door.client.post("/v1/track", content=json.dumps(a_message()))

    assert (answer.status_code, without.status_code) == (200, 401)
    assert "writeKey" not in json.dumps(door.accepted())


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("track", b"{", 400),
        ("track", b"[]", 400),
        ("batch", b"{}", 400),
        ("batch", b'{"batch": 1}', 400),
        ("batch", b'{"batch": []}', 200),
        ("track", b'{"properties":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, 400),
        ("track", b" " * (5 * 1024**2 + 1), 413),
    ],
)
def test_what_cannot_be_read_is_told_with_a_code_and_a_message(
    door: TrackerDoor, path: str, body: bytes, status: int
) -> None:
    answer = post(door, path, body)

    assert answer.status_code == status
    assert answer.json()["success"] is (status == 200)
    assert status == 200 or answer.json()["message"]
    assert door.accepted() == []


def test_a_packed_body_is_never_unpacked_beyond_the_limit(door: TrackerDoor) -> None:
    bomb = gzip.compress(b" " * (6 * 1024**2))

    headers = {"Content-Encoding": "gzip"}
    assert post(door, "track", bomb, **headers).status_code == 413
    assert post(door, "track", bomb[:50], **headers).status_code == 400
    assert post(door, "track", b"x", **headers).status_code == 400


def test_the_doors_limits_hold_in_segments_words(door: TrackerDoor) -> None:
    slow = replace(door, service=replace(door.service, quotas=Quotas(1)))
    batch = {"batch": [a_message(type="track", messageId=str(n)) for n in range(600)]}

    first, answer = (post(slow, "batch", batch) for _ in range(2))

    assert first.status_code == 200
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["success"] is False
    assert "sends more events" in answer.json()["message"]


def test_a_page_of_the_keys_own_origin_may_ask_first_and_read_the_answer(
    door: TrackerDoor, tmp_path: Path
) -> None:
    origin = "https://www.example.com"
    terms = Terms(origins=(origin,))
    key = add(
        tmp_path / "write_keys.json", source="p", mode="open", now=NOW, terms=terms
    )
    headers = {"Origin": origin}
    body = json.dumps(a_message(writeKey=key))

    for path in ("/v1/track", "/com.snowplowanalytics.snowplow/tp2"):
        asked = door.client.options(path, headers=headers)
        assert asked.headers["access-control-allow-origin"] == origin
    answer = door.client.post("/v1/track", content=body, headers=headers)
    elsewhere = {"Origin": "https://other.example"}
    refused = door.client.post("/v1/track", content=body, headers=elsewhere)

    assert answer.headers["access-control-allow-origin"] == origin
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("Payment Completed", "payment_completed"),
        ("paymentCompleted", "payment_completed"),
        ("HTTPServer did-it", "http_server_did_it"),
        ("payment_completed", "payment_completed"),
        ("!!", "!!"),
    ],
)
def test_names_are_looked_up_as_the_taxonomy_writes_them(said: str, ours: str) -> None:
    assert snake_case(said) == ours


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (4.99, "EUR", 499),
        ("19.90", "EUR", 1990),
        (0.1 + 0.2, "EUR", 0.1 + 0.2),
        (500, "JPY", 500),
        ("1.234", "KWD", 1234),
        ("many", "EUR", "many"),
        (1, "EURO", 1),
        ("1e999999999", "EUR", "1e999999999"),
        ("nan", "EUR", "nan"),
        ("1.00" + "0" * 40 + "1", "EUR", "1.00" + "0" * 40 + "1"),
        (True, "EUR", True),
    ],
)
def test_amounts_are_never_rounded(amount: Any, currency: str, minor: Any) -> None:
    assert in_minor_units(amount, currency) == minor


def test_faults_of_the_names_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "segment.yml").write_text(
        "events:\n  A: no_such_event\n  B:\n    event_name: feature_used\n"
        "    properties: {x: {typo: y}}\n    in_minor_units: {a: 1}\n"
        "purposes: {Analytics: spying}\nextra: 1\n"
    )

    with pytest.raises(BadTaxonomy) as told:
        Aliases.of("segment", TAXONOMY, tmp_path)

    for line in (2, 5, 6, 7, 8):
        assert f"segment.yml:{line}: " in str(told.value)


def test_the_manuals_names_are_names(tmp_path: Path) -> None:
    manual = (REPOSITORY / "docs" / "trackers.md").read_text()
    (names,) = [text for text in manual.split("```") if text.startswith("yaml\nevents")]
    (tmp_path / "segment.yml").write_text(names.removeprefix("yaml\n"))

    found = Aliases.of("segment", TAXONOMY, tmp_path)

    assert set(found.names) == {"Signed In", "Order Completed"}
