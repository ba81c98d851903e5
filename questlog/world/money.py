"""What people pay, and what they get back."""

from collections.abc import Iterator

import numpy as np

from questlog.world.chances import happens
from questlog.world.geography import PRICE_LIST, from_local
from questlog.world.happenings import Happening
from questlog.world.leaving import Course
from questlog.world.newcomers import page
from questlog.world.parameters import DAY, MINUTE, SECOND, Parameters
from questlog.world.people import Person, hour_of_day
from questlog.world.scene import Scene, an_online_visit, by

_MONTH = 30 * DAY
_MONTHLY_CENTS = {"hero": 499, "legend": 1299}
_REFUNDED = 0.025
_AT_THE_EDGE = 0.015
_LIVELIEST = 1.4


def payments(scene: Scene) -> Iterator[Happening]:
    """Single purchases, subscriptions, and refunds of either, as servers report them.

    A payment happens on a server, so it carries no device and is never late.
    """
    chance = scene.parameters.stream("payments")
    for person, course in scene.cast():
        for paid in _paid(chance, scene.parameters, person, course):
            yield paid
            if paid.name == "payment_completed" and happens(chance, _REFUNDED):
                yield _refund(chance, person, paid)


def _paid(
    chance: np.random.Generator,
    parameters: Parameters,
    person: Person,
    course: Course,
) -> Iterator[Happening]:
    for at in _purchase_moments(chance, parameters, person, course):
        visit = an_online_visit(chance, person.devices[0])
        looked = at - int(chance.uniform(20, 200) * SECOND)
        yield page(looked, "/shop", person.user_id, visit)
        cents = _price(chance, person)
        yield _payment(chance, person, at, cents=cents, product="single")
    if person.subscribes:
        monthly = _MONTHLY_CENTS[person.subscribes]
        for at in range(person.subscribed_from, course.left_at, _MONTH):
            if parameters.history_from <= at < parameters.live_to:
                yield _payment(
                    chance, person, at, cents=monthly, product="subscription"
                )
    edge = person.joined_at + _MONTH + int(happens(chance, 0.5))
    if happens(chance, _AT_THE_EDGE) and edge < course.left_at:
        cents = _price(chance, person)
        yield _payment(chance, person, edge, cents=cents, product="single")


def _purchase_moments(
    chance: np.random.Generator,
    parameters: Parameters,
    person: Person,
    course: Course,
) -> list[int]:
    """Poisson moments while the person is here, thinned by their activity."""
    begins = max(person.joined_at, parameters.history_from)
    ends = min(course.left_at, parameters.live_to)
    if begins >= ends or not person.purchase_rate:
        return []
    expected = person.purchase_rate * _LIVELIEST * (ends - begins) / DAY
    drawn = chance.uniform(begins, ends, int(chance.poisson(expected)))
    zone = person.country.timezone
    moments = np.array(
        [from_local(zone, int(at // DAY), hour_of_day(chance)) for at in drawn],
        dtype=np.int64,
    )
    kept = chance.random(len(moments)) * _LIVELIEST < course.activity(moments)
    settled = moments > begins + 5 * MINUTE
    return [int(at) for at in moments[kept & settled]]


def _price(chance: np.random.Generator, person: Person) -> int:
    """A price in cents that ends on nine, around what this person usually spends."""
    cents = person.usual_price * chance.lognormal(0, 0.4)
    return max(99, round(cents / 10) * 10 - 1)


def _payment(
    chance: np.random.Generator, person: Person, at: int, *, cents: int, product: str
) -> Happening:
    """A payment of so many cents, in the currency of the person's country."""
    currency = person.country.currency
    plan = {"plan": person.subscribes} if product == "subscription" else {}
    return by(
        person,
        None,
        at,
        "payment_completed",
        payment_id=f"payment_{chance.bytes(6).hex()}",
        amount_cents=round(cents * PRICE_LIST[currency]),
        currency=currency,
        product=product,
        **plan,
    )


def _refund(chance: np.random.Generator, person: Person, paid: Happening) -> Happening:
    cents = int(paid.properties["amount_cents"])
    in_full, asked_for = happens(chance, 0.7), happens(chance, 0.85)
    return by(
        person,
        None,
        paid.at + int(chance.uniform(0.5, 14) * DAY),
        "payment_refunded",
        payment_id=paid.properties["payment_id"],
        refund_id=f"refund_{chance.bytes(6).hex()}",
        amount_cents=cents if in_full or not asked_for else max(1, cents // 2),
        currency=paid.properties["currency"],
        reason="requested_by_customer" if asked_for else "chargeback",
    )
