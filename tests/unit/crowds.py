"""Worlds whose customers are known by construction, each with its oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ml.lifetime_value.customers import Seen
from questlog.world.geography import PRICE_LIST
from questlog.world.money import payments
from questlog.world.parameters import DAY, Parameters
from questlog.world.people import Person
from questlog.world.scene import Scene, stage
from questlog.world.tables import group_play
from questlog.world.visits import solo_visits
from tests.unit.buyers import (
    HORIZON,
    START,
    Ledger,
    Numbers,
    Visits,
    silent_days,
    still_here,
)

FROM = 7 * HORIZON
DAYS = [FROM + HORIZON * step for step in range(5)]
"""Four days to learn from and to be judged on, and the day to be scored."""
ENDS = DAYS[-1] + HORIZON

_MONTHLY = {"hero": 499.0, "legend": 1299.0}
_MONTH = 30
_KEPT = 0.978
"""Of a payment, what is left after refunds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What was paid, and what one expects who knows each customer's own truth.

    `subscribed` is what of it one expects for subscriptions: nothing, unless said.
    """

    ledger: Ledger
    expects: Callable[[Seen], Numbers]
    subscribed: Callable[[Seen], Numbers] = lambda seen: np.zeros(len(seen.spent))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Rates a day, cents a purchase, and first days: new customers come all along."""

    chance: np.random.Generator
    first: Numbers
    rate: Numbers
    worth: Numbers

    def buys(self, stays: Callable[[Numbers, int], NDArray[np.bool_]]) -> Ledger:
        """Purchases at random moments while `stays`, asked before each repeat."""
        size, now = len(self.first), self.first
        days, here = [now], np.ones(size, dtype=bool)
        while (here & (now < ENDS)).any():
            now = now + self.chance.exponential(1 / self.rate)
            here = here & stays(now, len(days) - 1)
            days.append(np.where(here & (now < ENDS), now, np.inf))
        owner = np.tile(np.arange(size), len(days))
        spread = self.chance.gamma(4, 1 / 4, len(owner))
        return Ledger.of(owner, np.concatenate(days), self.worth[owner] * spread)


def _drawn(seed: int, customers: int) -> _Drawn:
    chance = np.random.default_rng(seed)
    return _Drawn(
        chance=chance,
        first=chance.uniform(0, DAYS[-1], customers),
        rate=chance.gamma(0.8, 1 / 18, customers) + 1e-4,
        worth=chance.gamma(3, 300, customers),
    )


def leaving_at_any_time(seed: int, customers: int) -> Crowd:
    """As Pareto/NBD has it, but each leaves at a hazard of their own."""
    drawn = _drawn(seed, customers)
    hazard = drawn.chance.gamma(1.5, 1 / 300, customers)
    until = drawn.first + drawn.chance.exponential(1 / hazard)

    def expects(seen: Seen) -> Numbers:
        who = seen.people.astype(int)
        rate, leaves = drawn.rate[who], hazard[who]
        here = still_here(silent_days(seen), buys=rate, leaves=leaves)
        stays = -np.expm1(-leaves * HORIZON) / leaves
        return np.asarray(here * stays * rate * drawn.worth[who])

    return Crowd(ledger=drawn.buys(lambda now, _: now < until), expects=expects)


def leaving_after_buying(seed: int, customers: int) -> Crowd:
    """As BG/NBD has it: each repeat is the last by a chance of the customer's own."""
    drawn = _drawn(seed, customers)
    last = drawn.chance.beta(1, 8, customers)

    def expects(seen: Seen) -> Numbers:
        who = seen.people.astype(int)
        rate, leaves = drawn.rate[who], last[who]
        waited = np.exp(np.minimum(rate * silent_days(seen), 500))
        repeated = seen.customers.history.frequency > 0
        gone = np.where(repeated, leaves / (1 - leaves) * waited, 0.0)
        bought = -np.expm1(-rate * leaves * HORIZON) / leaves
        return np.asarray(bought * drawn.worth[who] / (1 + gone))

    def stays(_: Numbers, repeats: int) -> NDArray[np.bool_]:
        return (drawn.chance.random(customers) >= last) | (repeats == 0)

    return Crowd(ledger=drawn.buys(stays), expects=expects)


def beginning_anew(seed: int, customers: int) -> Ledger:
    """Every horizon deals all their rates and prices anew: the past tells nothing."""
    chance = np.random.default_rng(seed)
    owners, days, amounts = [], [], []
    for begins in range(0, ENDS, HORIZON):
        bought = chance.poisson(chance.gamma(2, 0.5, customers))
        bought = np.maximum(bought, begins == 0)
        owner = np.repeat(np.arange(customers), bought)
        owners.append(owner)
        days.append(begins + chance.uniform(0, HORIZON, len(owner)))
        worth = chance.gamma(3, 300, customers)[owner]
        amounts.append(worth * chance.gamma(4, 1 / 4, len(owner)))
    return Ledger.of(*(np.concatenate(one) for one in (owners, days, amounts)))


def payers(seed: int, people: int, *, is_visited: bool = False) -> Crowd:
    """Who pays in a simulated world, with plans, pauses, fading and refunds.

    Money is told in cents of the price list, whatever the currency. Of a visited world
    models read visits too, and its oracle sees who is silent in all, not in paying.
    """
    end = date(2026, 3, 1)
    world = Parameters(people=people, days=ENDS, end=end, seed=seed)
    scene = stage(world)
    visits = _visits(scene) if is_visited else None
    ledger = _ledger(scene, visits)

    def expects(seen: Seen) -> Numbers:
        return _of_payers(scene, visits, seen).sum(axis=0)

    def subscribed(seen: Seen) -> Numbers:
        return np.asarray(_of_payers(scene, visits, seen)[1], np.float64)

    return Crowd(ledger=ledger, expects=expects, subscribed=subscribed)


def _ledger(scene: Scene, visits: Visits | None) -> Ledger:
    number = {person.user_id: person.index for person in scene.people}
    told, products = [], {}
    for paid in payments(scene):
        if not paid.name.startswith("payment_"):
            continue
        product = products.setdefault(
            paid.properties["payment_id"], paid.properties.get("product")
        )
        cents = paid.properties["amount_cents"]
        cents /= PRICE_LIST[paid.properties["currency"]]
        cents *= -1 if paid.name == "payment_refunded" else 1
        day = (paid.at - scene.parameters.history_from) / DAY
        plan = cents if product == "subscription" else 0.0
        told.append((number[paid.user_id], day, cents, plan))
    owner, days, amount, plan = (np.array(column) for column in zip(*told, strict=True))
    return Ledger.of(owner, days, amount, subscribed=plan, visits=visits)


def _visits(scene: Scene) -> Visits:
    number = {person.user_id: person.index for person in scene.people}
    seen = {
        (number[one.user_id], one.visit.session_id): one.at
        for one in chain(solo_visits(scene), group_play(scene))
        if one.visit is not None
    }
    began = scene.parameters.history_from
    return Visits(
        owner=np.array([owner for owner, _ in seen], np.int64),
        day=(np.array(list(seen.values()), np.float64) - began) / DAY,
    )


def _of_payers(scene: Scene, visits: Visits | None, seen: Seen) -> Numbers:
    """What each spends on single things, and on a plan: two rows."""
    at = float((seen.day - START).days)
    began = scene.parameters.history_from
    who = seen.people.astype(int)
    people = [scene.people[index] for index in who]
    hazard = np.array([scene.courses[index].hazard for index in who])
    comes = np.array([person.purchase_rate for person in people])
    unpaid = silent_days(seen)
    quiet = unpaid
    if visits is not None:
        comes = comes + np.array([person.appetite for person in people])
        quiet = np.minimum(unpaid, at - visits.last(len(scene.people), at)[who])
    here = still_here(quiet, buys=comes, leaves=hazard)
    told = [
        _Payer(
            person=person,
            hazard=float(hazard[place]),
            here=float(here[place]),
            at=at,
            unpaid=float(unpaid[place]),
            subscribed_on=(person.subscribed_from - began) / DAY,
        ).expected()
        for place, person in enumerate(people)
    ]
    return np.array(told).T


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payer:
    """Somebody on a day: the chance to be here, and days since they paid.

    `at` and `subscribed_on` count days from the world's beginning.
    """

    person: Person
    hazard: float
    here: float
    at: float
    unpaid: float
    subscribed_on: float

    def expected(self) -> tuple[float, float]:
        """What they spend on single things and on a plan; who let it pass has left."""
        stays = -np.expm1(-self.hazard * HORIZON) / self.hazard
        # prices are lognormal around the usual one
        worth = self.person.usual_price * np.exp(0.4**2 / 2)
        single, plan = float(self.person.purchase_rate * worth * stays), 0.0
        here = self.here
        if self.person.subscribes:
            since = self.subscribed_on
            renewals = max(np.ceil((self.at - since) / _MONTH), 0)
            due = since + _MONTH * renewals
            before = due - _MONTH
            if renewals and before >= 0 and self.unpaid > self.at - np.floor(before):
                here = 0.0
            if due < self.at + HORIZON:
                price = _MONTHLY[self.person.subscribes]
                plan = float(price * np.exp(-self.hazard * (due - self.at)))
        return here * single * _KEPT, here * plan * _KEPT
