"""Webhooks: what is signed is believed, once; what is not is not even read."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.disk import Watermark
from ingestion.webhooks.definitions import secrets_of, webhooks
from tests.unit.tracker_door import NOW, TAXONOMY, TrackerDoor, a_door
from warehouse.errors import BadSetting, BadTaxonomy
from warehouse.settings import REPOSITORY

SECRET = "whsec_current"
NOW_S = int(NOW.timestamp())
MANUAL = (REPOSITORY / "docs" / "trackers.md").read_text()
# the example of the manual, as a reader would copy it
(SHOP,) = [
    text.removeprefix("yaml\n")
    for text in MANUAL.split("```")
    if text.startswith("yaml\nsignature")
]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[TrackerDoor]:
    secrets = secrets_of(f"stripe=whsec_old,stripe={SECRET}")
    with a_door(tmp_path) as one:
        told = webhooks(secrets, TAXONOMY)
        yield replace(one, service=replace(one.service, webhooks=told))


def a_charge(**changed: Any) -> dict[str, Any]:
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 1999,
        "amount_captured": 1999,
        "captured": True,
        "paid": True,
        "currency": "eur",
        "created": NOW_S - 30,
        "customer": "cus_1",
        "metadata": {"user_id": "ann"},
        "receipt_email": "ann@example.com",
    } | changed
    return {
        "id": "evt_1",
        "object": "event",
        "type": "charge.succeeded",
        "created": NOW_S - 29,
        "livemode": True,
        "data": {"object": charge},
    }


def a_refund(kind: str, **changed: Any) -> dict[str, Any]:
    refund = {
        "id": "re_1",
        "charge": "ch_1",
        "amount": 500,
        "currency": "eur",
        "created": NOW_S - 10,
        "status": "succeeded",
        "reason": "requested_by_customer",
        "metadata": {},
    } | changed
    return {"id": "evt_2", "type": kind, "livemode": True, "data": {"object": refund}}


def signed(body: bytes, *, secret: str = SECRET, seconds: int = NOW_S) -> str:
    text = f"{seconds}.".encode() + body
    mac = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac},v0=ff"


def deliver(door: TrackerDoor, event: Any, **how: Any) -> Any:
    body = json.dumps(event).encode()
    headers = {"Stripe-Signature": signed(body, **how)}
    return door.client.post("/v1/webhooks/stripe", content=body, headers=headers)


def test_a_charge_is_a_payment_and_its_refund_finds_the_same_person(
    door: TrackerDoor,
) -> None:
    assert deliver(door, a_charge()).json()["accepted"] == 1
    assert deliver(door, a_refund("refund.created")).json()["accepted"] == 1

    paid, refunded = door.accepted()
    assert (paid["source"], paid["tags"]) == ("stripe", [])
    assert paid["occurred_at"] == "2026-03-01 09:59:31.000"
    assert (paid["user_id"], paid["anonymous_id"]) == ("ann", "ch_1")
    assert refunded["anonymous_id"] == "ch_1"
    assert paid["properties"] == {
        "payment_id": "ch_1",
        "amount_cents": 1999,
        "currency": "EUR",
    }
    assert refunded["properties"] == {
        "payment_id": "ch_1",
        "refund_id": "re_1",
        "amount_cents": 500,
        "currency": "EUR",
        "reason": "requested_by_customer",
    }
    assert "example.com" not in json.dumps(door.accepted())


def test_however_often_money_is_told_it_is_one_event_of_one_content(
    door: TrackerDoor,
) -> None:
    for _ in range(2):
        deliver(door, a_charge())
        deliver(door, a_charge() | {"id": "evt_9"})
    for kind in ("refund.created", "refund.updated", "charge.refund.updated"):
        deliver(door, a_refund(kind))

    rows = door.accepted()
    assert len(rows) == 7
    assert len({(row["event_id"], row["content_hash"]) for row in rows}) == 2


@pytest.mark.parametrize(
    "told",
    [
        a_charge(captured=False),
        a_charge(paid=False),
        a_charge() | {"livemode": False},
        a_charge() | {"type": "customer.created"},
        a_refund("refund.created", status="pending"),
        [1],
        "text",
    ],
)
def test_what_means_no_money_is_acknowledged_and_left(
    door: TrackerDoor, told: Any
) -> None:
    answer = deliver(door, told)

    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert door.accepted() == door.refused() == []


def test_a_payment_of_a_person_nobody_knows_is_the_charges_own(
    door: TrackerDoor,
) -> None:
    deliver(door, a_charge(metadata={}))

    (row,) = door.accepted()
    assert (row["user_id"], row["anonymous_id"]) == ("", "ch_1")


def test_a_mapped_event_the_taxonomy_refuses_is_acknowledged_and_sealed(
    door: TrackerDoor,
) -> None:
    answer = deliver(door, a_charge(currency="euro"))

    assert (answer.status_code, answer.json()["refused"]) == (200, 1)
    assert door.refused()[0]["reason"] == "out_of_range"


def test_while_a_secret_is_rotated_both_are_valid(door: TrackerDoor) -> None:
    assert deliver(door, a_charge(), secret="whsec_old").status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "whsec_wrong"},
        {"seconds": NOW_S - 301},
        {"seconds": NOW_S + 301},
    ],
)
def test_what_is_signed_with_another_secret_or_time_is_not_believed(
    door: TrackerDoor, how: dict[str, Any]
) -> None:
    answer = deliver(door, a_charge(), **how)

    assert answer.status_code == 401
    assert "whsec" not in answer.text
    assert door.accepted() == []


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        "t=soon,v1=00",
        f"t={NOW_S},v1=zz",
        f"t={NOW_S},t={NOW_S},v1=00",
        f"t={NOW_S},v1=é",
        "," * 5000,
    ],
)
def test_a_broken_signature_is_refused_before_the_body_is_read(
    door: TrackerDoor, header: str
) -> None:
    answer = door.client.post(
        "/v1/webhooks/stripe",
        content=b"{no json",
        headers={"Stripe-Signature": header.encode("latin-1")},
    )

    assert answer.status_code == 401


def test_a_changed_body_breaks_its_signature(door: TrackerDoor) -> None:
    body = json.dumps(a_charge()).encode()
    changed = body.replace(b"1999", b"1")

    answer = door.client.post(
        "/v1/webhooks/stripe",
        content=changed,
        headers={"Stripe-Signature": signed(body)},
    )

    assert answer.status_code == 401


def test_a_source_without_a_secret_is_not_there(tmp_path: Path) -> None:
    with a_door(tmp_path) as door:
        assert deliver(door, a_charge()).status_code == 404


def test_a_signed_body_that_is_no_json_is_400(door: TrackerDoor) -> None:
    answer = door.client.post(
        "/v1/webhooks/stripe",
        content=b"{",
        headers={"Stripe-Signature": signed(b"{")},
    )

    assert answer.status_code == 400


def test_while_the_disk_is_nearly_full_the_sender_is_put_off(
    door: TrackerDoor,
) -> None:
    full = Watermark(lambda: 0, reserve=1)
    low = replace(door, service=replace(door.service, disk=full))

    answer = deliver(low, a_charge())

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


def shop_delivery(*, secret: str, encoding: str, timed: bool) -> tuple[bytes, Any]:
    order = {"id": "o1", "cents": 499, "customer": "ben"}
    order |= {"paid_at": "2026-03-01T09:00:00Z"}
    body = json.dumps({"topic": "order/paid", "order": order}).encode()
    text = f"{NOW_S}.".encode() + body if timed else body
    mac = hmac.new(secret.encode(), text, hashlib.sha256)
    written = mac.hexdigest()
    if encoding == "base64":
        written = base64.b64encode(mac.digest()).decode()
    headers = {"X-Shop-Signature": f"sha256={written}"}
    return body, headers | ({"X-Shop-Time": str(NOW_S)} if timed else {})


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("timed", [False, True])
def test_a_source_of_ones_own_needs_a_file_and_a_secret(
    tmp_path: Path, encoding: str, *, timed: bool
) -> None:
    text = SHOP.replace("encoding: hex", f"encoding: {encoding}")
    if not timed:
        text = text.replace("time_header: X-Shop-Time", "time_header: none")
    (tmp_path / "shop.yml").write_text(text)
    told = webhooks(secrets_of("shop=c2VjcmV0=="), TAXONOMY, tmp_path)
    good = shop_delivery(secret="c2VjcmV0==", encoding=encoding, timed=timed)
    bad = shop_delivery(secret="other", encoding=encoding, timed=timed)

    with a_door(tmp_path) as plain:
        door = replace(plain, service=replace(plain.service, webhooks=told))
        answers = [
            door.client.post("/v1/webhooks/shop", content=body, headers=headers)
            for body, headers in (good, bad)
        ]
        rows = door.accepted()

    assert [one.status_code for one in answers] == [200, 401]
    assert [(row["source"], row["user_id"]) for row in rows] == [("shop", "ben")]


def test_all_faults_of_the_files_are_told_at_once_with_their_lines(
    tmp_path: Path,
) -> None:
    (tmp_path / "shop.yml").write_text(
        "signature:\n  scheme: hmac\n  header: X\n  typo: 1\n"
        "events:\n  - event_name: {constant: no_such_event}\n"
        "    timestamp: at\n    user_id: {colum: who}\n  - 7\n"
    )

    with pytest.raises(BadTaxonomy) as told:
        webhooks({}, TAXONOMY, tmp_path)

    for says in (
        "shop.yml:4: signature.typo",
        "signature.time_header: missing: time_header:",
        "expected paths with the values they must hold",
        "say what the id is made from",
        "'no_such_event' is no event of the taxonomy",
        "shop.yml:8: ",
        "shop.yml:9: ",
    ):
        assert says in str(told.value)


def test_secrets_are_never_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as no_pair:
        secrets_of("stripe=a,whsec_hidden")
    with pytest.raises(BadSetting, match=r"taxonomy/webhooks/shop\.yml"):
        webhooks(secrets_of("shop=whsec_hidden"), TAXONOMY, tmp_path)

    (one,) = webhooks(secrets_of("stripe=whsec_hidden"), TAXONOMY).values()
    assert "hidden" not in f"{no_pair.value} {one!r}"
