"""Snowplow's tracker protocol, spoken by Snowplow's own tracker and by hand."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from snowplow_tracker import (
    Emitter,
    PageView,
    ScreenView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

from tests.unit.tracker_door import TrackerDoor, a_door, served

POST = "/com.snowplowanalytics.snowplow/tp2"
EVENT_ID = "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d"
AT_MS = "1772359140000"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[TrackerDoor]:
    with a_door(tmp_path) as one:
        yield one


def a_payload(door: TrackerDoor, **changed: Any) -> dict[str, Any]:
    found = {
        "e": "pv",
        "aid": door.key,
        "eid": EVENT_ID,
        "dtm": AT_MS,
        "stm": AT_MS,
        "uid": "ann",
        "duid": "device_1",
        "url": "https://x.example/games?utm_source=newsletter",
        "page": "Games",
        "p": "web",
        "tv": "js-3.24.0",
    } | changed
    return {key: one for key, one in found.items() if one is not None}


def post(door: TrackerDoor, *payloads: Any, path: str = POST) -> Any:
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    return door.client.post(path, json={"schema": schema, "data": list(payloads)})


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("in_the_path", [False, True])
def test_snowplows_own_tracker_is_pointed_here_and_its_events_arrive(
    tmp_path: Path, *, method: Literal["post", "get"], in_the_path: bool
) -> None:
    lost: list[Any] = []
    with a_door(tmp_path, real_time=True) as door, served(door) as port:
        address = f"127.0.0.1:{port}"
        emitter = Emitter(
            f"{address}/{door.key}" if in_the_path else address,
            protocol="http",
            method=method,
            batch_size=1,
            on_failure=lambda _sent, failed: lost.extend(failed),
        )
        person = Subject().set_user_id("ann").set_domain_user_id("device_1")
        app = "games-web" if in_the_path else door.key
        tracker = Tracker("web", emitter, subject=person, app_id=app)
        eid = tracker.track(
            PageView("https://x.example/a", page_title="Games", referrer="https://y.z")
        )
        tracker.track(ScreenView(id_="1", name="Game table"))
        tracker.track(StructuredEvent("account", "user_logged_in"))
        data = {"feature_name": "dice", "usage_duration": 1.5}
        schema = "iglu:com.example/feature_used/jsonschema/1-0-0"
        tracker.track(SelfDescribing(SelfDescribingJson(schema, data)))
        rows, refused = door.accepted(), door.refused()

    assert lost == []
    assert [row["event_name"] for row in rows] == [
        "page_viewed",
        "screen_viewed",
        "feature_used",
    ]
    viewed, screen, used = rows
    assert viewed["event_id"] == eid
    assert (viewed["user_id"], viewed["anonymous_id"]) == ("ann", "device_1")
    assert viewed["properties"]["path"] == "/a"
    assert screen["properties"] == {"screen_name": "Game table"}
    assert used["properties"] == data
    assert viewed["context"]["tracker"].startswith("py-")
    assert "user_agent" not in viewed["context"]
    sent_as = viewed["context"]["as_sent"]
    assert sent_as.get("aid") == ("games-web" if in_the_path else None)
    assert all(door.key not in json.dumps(row) for row in rows)
    # the taxonomy plans no `category`; what is wrong with an event is the door's word
    assert [row["reason"] for row in refused] == ["additional_property"]


def test_a_structured_event_goes_by_its_action(door: TrackerDoor) -> None:
    payload = a_payload(door, e="se", se_ca="play", se_ac="Dice Thrown", se_va="3")

    post(door, payload)

    (row,) = door.refused()
    assert (row["reason"], row["event_name"]) == ("unplanned_event", "dice_thrown")


def test_a_transaction_is_a_payment_in_minor_units(door: TrackerDoor) -> None:
    payload = a_payload(
        door, e="tr", tr_id="o-7", tr_tt="19.90", tr_cu="EUR", tr_tx="3.18"
    )

    post(door, payload)

    (row,) = door.accepted()
    assert row["event_name"] == "payment_completed"
    assert row["properties"] == {
        "payment_id": "o-7",
        "product": "single",
        "currency": "EUR",
        "amount_cents": 1990,
    }
    assert row["context"]["as_sent"]["properties"] == {"tax": "3.18"}


def packed(found: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(found).encode()).decode().rstrip("=")


def test_entities_are_kept_and_a_mobile_session_tells_who_and_which(
    door: TrackerDoor,
) -> None:
    vendor = "iglu:com.snowplowanalytics.snowplow"
    session = {"userId": "device_9", "sessionId": "visit_3", "sessionIndex": 3}
    entities = {
        "schema": f"{vendor}/contexts/jsonschema/1-0-1",
        "data": [
            {"schema": f"{vendor}/client_session/jsonschema/1-0-2", "data": session},
            {"schema": "iglu:com.example/game/jsonschema/1-0-0", "data": {"id": 1}},
            {"schema": "iglu:com.example/game/jsonschema/1-0-0", "data": {"id": 2}},
        ],
    }

    post(door, a_payload(door, duid=None, uid=None, cx=packed(entities)))

    (row,) = door.accepted()
    assert (row["user_id"], row["anonymous_id"]) == ("", "device_9")
    assert row["session_id"] == "visit_3"
    assert row["context"]["as_sent"]["entities"] == {
        "com.snowplowanalytics.snowplow/client_session": session,
        "com.example/game": {"id": 1},
        "com.example/game#2": {"id": 2},
    }


def test_the_clocks_are_the_devices_but_a_true_time_is_not_corrected(
    door: TrackerDoor,
) -> None:
    ahead = "1772359260000"
    true = a_payload(door, eid=None, dtm=ahead, stm=ahead, ttm=AT_MS)

    post(door, a_payload(door, dtm=ahead, stm=ahead), true)

    claimed, said = door.accepted()
    assert claimed["occurred_at"] == claimed["sent_at"] == "2026-03-01 10:01:00.000"
    assert claimed["clock_offset_ms"] == -60_000
    assert said["occurred_at"] == "2026-03-01 09:59:00.000"
    assert (said["sent_at"], said["clock_offset_ms"]) == (None, 0)


def test_a_repeated_payload_is_the_same_event_though_sent_later(
    door: TrackerDoor,
) -> None:
    nameless = a_payload(door, eid=None)

    post(door, nameless)
    post(door, nameless | {"stm": "1772359150000"})

    assert len({row["event_id"] for row in door.accepted()}) == 1


def test_a_browsers_user_agent_is_that_of_its_request_and_a_servers_is_nobodys(
    door: TrackerDoor,
) -> None:
    post(door, a_payload(door), a_payload(door, eid=None, p="srv"))

    browser, server = door.accepted()
    assert browser["context"]["user_agent"] == "testclient"
    assert "user_agent" not in server["context"]


def test_the_pixel_is_a_picture_that_nobody_keeps(door: TrackerDoor) -> None:
    answer = door.client.get("/i", params=a_payload(door))

    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"].startswith("no-cache")
    assert answer.content[:6] == b"GIF89a"
    assert len(door.accepted()) == 1


@pytest.mark.parametrize(
    ("changed", "status"), [({"aid": "wrong"}, 401), ({"aid": None}, 401)]
)
def test_without_a_key_nothing_enters(
    door: TrackerDoor, changed: dict[str, Any], status: int
) -> None:
    assert post(door, a_payload(door, **changed)).status_code == status
    assert door.client.get("/i").status_code == status
    assert door.accepted() == door.refused() == []


def test_payloads_of_several_apps_need_the_key_in_the_path(door: TrackerDoor) -> None:
    several = [a_payload(door), a_payload(door, aid=door.open_key)]

    assert post(door, *several).status_code == 401
    assert post(door, *several, path=f"/{door.key}{POST}").status_code == 200


def test_what_no_repeat_would_mend_is_answered_so_that_trackers_stop(
    door: TrackerDoor,
) -> None:
    too_many = post(door, *[a_payload(door)] * 1001)

    assert too_many.status_code == 400
    assert post(door, path=f"/{door.key}{POST}").status_code == 200
    for body in (b"{", b"[]", b'{"data": {}}'):
        assert door.client.post(POST, content=body).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"e": "ue", "ue_px": "no base64!"},
        {"e": "ue", "ue_pr": "{"},
        {"e": "ue", "ue_pr": '{"data": {"schema": 1, "data": 2}}'},
        {"cx": "x" * 5, "co": 3},
        {"dtm": "soon", "url": 7},
        {"e": None},
        {"uid": {"a": 1}, "duid": ["b"]},
        {"url": "http://[", "ttm": "1" * 400},
    ],
)
def test_a_hostile_payload_costs_itself_alone(
    door: TrackerDoor, changed: dict[str, Any]
) -> None:
    good = a_payload(door, eid="00000000-0000-0000-0000-000000000001")

    answer = post(door, a_payload(door, **changed), 7, None, good)

    assert answer.status_code == 200
    accepted = [row["event_id"] for row in door.accepted()]
    assert "00000000-0000-0000-0000-000000000001" in accepted
    assert len(accepted) + len(door.refused()) == 4
