"""Several destinations: one that fails never stops another."""

from datetime import date

import pytest

from activation.destinations.protocol import Destination
from activation.pushing import to_each
from activation.receipts import DELIVERED, Receipt
from activation.standins.memory import InMemory
from warehouse.errors import DestinationRefused, GateClosed, Unavailable

PLATFORMS = ("meta", "google")
Failure = DestinationRefused | GateClosed | Unavailable


class Failing(InMemory):
    """Raises what it is given, when it is given something."""

    failure: Failure | None = None


def a_destination(platform: str, failure: Failure | None = None) -> Failing:
    made = Failing(platform=platform)
    made.failure = failure
    return made


def send_to(destination: Destination) -> list[Receipt]:
    assert isinstance(destination, Failing)
    if destination.failure is not None:
        raise destination.failure
    destination.calls.append("sent")
    return [
        Receipt(
            as_of=date(2026, 3, 1),
            platform=destination.platform,
            audience="best",
            kind="custom",
            status=DELIVERED,
        )
    ]


def test_every_destination_gets_its_receipts() -> None:
    receipts = to_each([a_destination(name) for name in PLATFORMS], send_to)

    assert [receipt.platform for receipt in receipts] == ["meta", "google"]


@pytest.mark.parametrize("failing", PLATFORMS)
def test_a_destination_that_fails_never_stops_the_other(failing: str) -> None:
    every = [
        a_destination(name, DestinationRefused("no.") if name == failing else None)
        for name in PLATFORMS
    ]

    with pytest.raises(DestinationRefused, match=f"^{failing}: no"):
        to_each(every, send_to)

    assert {one.platform for one in every if one.calls} == {*PLATFORMS} - {failing}


def test_what_may_succeed_later_is_tried_later_beside_a_refusal() -> None:
    every = [
        a_destination("meta", DestinationRefused("never.")),
        a_destination("google", Unavailable("later.", wait_s=60.0)),
    ]

    with pytest.raises(Unavailable, match=r"^meta: never\. google: later\.") as caught:
        to_each(every, send_to)

    assert caught.value.wait_s == 60.0


def test_a_guard_that_stopped_something_is_final_unless_something_may_pass() -> None:
    with pytest.raises(GateClosed, match=r"^meta: too many\."):
        to_each([a_destination("meta", GateClosed("too many."))], send_to)
