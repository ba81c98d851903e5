"""Several platforms: which are sent to, and that none stops another."""

from datetime import date

import pytest

from activation.destination import Destination, LookalikeOrder, Order
from activation.identifiers import HASHING, Identifiers
from activation.platforms import PLATFORMS, chosen, configured
from activation.pushing import to_each
from activation.receipts import DELIVERED, Receipt
from activation.standins.memory import InMemory
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings


def send_to(destination: Destination) -> list[Receipt]:
    identity = HASHING[destination.platform](Identifiers("ann", email="a@b.de"), b"k")
    delivery = destination.replace(
        Order(audience="best", meaning="Best.", remote_id="", people=[identity])
    )
    return [
        Receipt(
            as_of=date(2026, 3, 1),
            platform=destination.platform,
            audience="best",
            kind="custom",
            status=DELIVERED,
            remote_id=delivery.remote_id,
        )
    ]


def test_every_platform_has_a_way_to_hash_and_gets_its_receipts() -> None:
    every = [InMemory(platform=platform) for platform in PLATFORMS]

    receipts = to_each(every, send_to)

    assert [receipt.platform for receipt in receipts] == ["meta", "google"]
    assert [len(one.audiences["best"]) for one in every] == [1, 1]


@pytest.mark.parametrize("failing", PLATFORMS)
def test_a_platform_that_fails_never_stops_the_other(failing: str) -> None:
    every = [InMemory(platform=platform) for platform in PLATFORMS]
    for one in every:
        one.failure = DestinationRefused("no.") if one.platform == failing else None

    with pytest.raises(DestinationRefused, match=f"^{failing}: no"):
        to_each(every, send_to)

    assert {one.platform for one in every if one.audiences} == {*PLATFORMS} - {failing}


def test_what_may_succeed_later_is_tried_later_beside_a_refusal() -> None:
    every = [
        InMemory(platform="meta", failure=DestinationRefused("never.")),
        InMemory(platform="google", failure=Unavailable("later.")),
    ]

    with pytest.raises(Unavailable, match=r"^meta: never\. google: later\."):
        to_each(every, send_to)


def test_the_destination_in_memory_empties_and_keeps_lookalikes() -> None:
    memory = InMemory()
    nobody = Order(audience="best", meaning="Best.", remote_id="", people=[])

    assert memory.replace(nobody).remote_id == ""
    send_to(memory)
    assert memory.replace(nobody).remote_id == "set-best"
    memory.keep_lookalike(
        LookalikeOrder(audience="l", seed_remote_id="s", ratio=0.01, country="DE")
    )
    assert memory.lookalikes == {"l": "s"}


def test_the_settings_say_which_platforms_are_sent_to() -> None:
    meta, google = {"meta_access_token": "t"}, {"google_customer_id": "1"}

    assert chosen(Settings()) == []
    assert configured(Settings(**meta)) == ["meta"]
    assert configured(Settings(**google)) == ["google"]  # type: ignore[arg-type]
    assert configured(Settings(**meta, **google)) == ["meta", "google"]  # type: ignore[arg-type]


def test_without_any_account_the_settings_of_both_are_named() -> None:
    with pytest.raises(BadSetting, match=r"META_ACCESS_TOKEN .* GOOGLE_CUSTOMER_ID"):
        configured(Settings())
