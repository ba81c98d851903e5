"""Interventions: when a trigger fires, on whom, and what it did."""

import hashlib
import hmac
from pathlib import Path

import pytest

from ml.interventions.choosing import HELD_OUT, Trigger, arm, fire, load
from ml.interventions.uplift import uplift
from ml.interventions.webhook import send, signature
from warehouse.errors import BadInput, BadSetting
from warehouse.settings import Settings

LEAVING = Trigger(
    name="leaving",
    meaning="",
    source="churn",
    quiet_days=28,
    most=2,
    held_out_share=0.2,
    at_least=0.6,
)


def test_a_trigger_fires_once_on_crossing_and_the_most_urgent_come_first() -> None:
    now = {"ann": 0.7, "bob": 0.9, "cid": 0.8, "dan": 0.95, "eve": 0.99}

    found = fire(LEAVING, now=now, before={"dan"}, quiet={"eve"})

    assert [each.person_id for each in found] == ["bob", "cid"]


def test_the_held_out_are_a_fixed_share_and_always_the_same() -> None:
    people = [f"person-{one}" for one in range(5000)]

    held = [who for who in people if arm(LEAVING, who) == HELD_OUT]

    assert len(held) / 5000 == pytest.approx(0.2, abs=0.02)
    assert held == [who for who in people if arm(LEAVING, who) == HELD_OUT]


def test_the_triggers_shipped_can_be_read_and_each_holds_some_out() -> None:
    found = load()

    assert [each.name for each in found] == [
        "likely_to_leave",
        "playing_less",
        "unwell",
    ]
    assert all(each.held_out_share >= 0.05 for each in found)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("held_out_share: 0", "without, nothing is measured"),
        ("held_out_share: 0.1", "at_least or at_most says when it fires"),
    ],
)
def test_a_faulty_trigger_is_named(tmp_path: Path, line: str, told: str) -> None:
    extra = "at_least: 1\n" if line.endswith(" 0") else ""
    (tmp_path / "odd.yml").write_text(
        f"meaning: x\nsource: churn\nquiet_days: 9\nmost: 9\n{extra}{line}\n"
    )

    with pytest.raises(BadInput, match=told):
        load(tmp_path)


def test_an_uplift_is_newcombes_difference_of_shares() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890: 56/70 against 48/80
    found = uplift("leaving", written_to=(56, 70), held_out=(48, 80))

    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert found.told == "it keeps people"


def test_without_anybody_held_out_nothing_is_shown() -> None:
    found = uplift("leaving", written_to=(5, 9), held_out=(0, 0))

    assert (found.low, found.high, found.told) == (-1, 1, "no effect shown")


def test_a_request_is_signed_over_its_moment_and_its_bytes() -> None:
    expected = hmac.new(b"secret", b"1000.{}", hashlib.sha256).hexdigest()

    assert signature("secret", b"{}", 1000.9) == f"t=1000,v1={expected}"


def test_without_an_address_nothing_is_sent() -> None:
    with pytest.raises(BadSetting, match="INTERVENTIONS_URL"):
        send(Settings(), [{"id": "1"}], now=0)
