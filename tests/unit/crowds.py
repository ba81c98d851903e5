"""Worlds whose customers are known by construction, each with its oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml.lifetime_value.customers import Seen
from questlog.world.geography import PRICE_LIST
from questlog.world.money import payments
from questlog.world.parameters import DAY, Parameters
from questlog.world.people import Person
from questlog.world.scene import stage
from tests.unit.buyers import (
    HORIZON,
    START,
    Ledger,
    Numbers,
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
    """What was paid, and what one expects who knows each customer's own truth."""

    ledger: Ledger
    expects: Callable[[Seen], Numbers]


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


def payers(seed: int, people: int) -> Crowd:
    """Who pays in a simulated world, with plans, pauses, fading and refunds.

    Money is told in cents of the price list, whatever the currency.
    """
    end = date(2026, 3, 1)
    world = Parameters(people=people, days=ENDS, end=end, seed=seed)
    scene = stage(world)
    number = {person.user_id: person.index for person in scene.people}
    told = [
        (
            number[paid.user_id],
            (paid.at - world.history_from) / DAY,
            paid.properties["amount_cents"]
            / PRICE_LIST[paid.properties["currency"]]
            * (-1 if paid.name == "payment_refunded" else 1),
        )
        for paid in payments(scene)
        if paid.name.startswith("payment_")
    ]
    owner, day, amount = (np.array(column) for column in zip(*told, strict=True))

    def expects(seen: Seen) -> Numbers:
        at = float((seen.day - START).days)
        silent = silent_days(seen)
        return np.array(
            [
                _of_payer(
                    scene.people[int(person)],
                    scene.courses[int(person)].hazard,
                    began=world.history_from,
                    at=at,
                    silent=float(days),
                )
                for person, days in zip(seen.people, silent, strict=True)
            ]
        )

    return Crowd(ledger=Ledger.of(owner, day, amount), expects=expects)


def _of_payer(
    person: Person, hazard: float, *, began: int, at: float, silent: float
) -> float:
    """By a payer's rate, usual price, plan and hazard, and the silence since paying.

    Who let a renewal pass has left.
    """
    rate = person.purchase_rate
    here = float(still_here(np.array(silent), buys=np.array(rate), leaves=hazard))
    stays = -np.expm1(-hazard * HORIZON) / hazard
    # prices are lognormal around the usual one
    value = float(rate * person.usual_price * np.exp(0.4**2 / 2) * stays)
    if person.subscribes:
        since = (person.subscribed_from - began) / DAY
        renewals = max(np.ceil((at - since) / _MONTH), 0)
        due, before = since + _MONTH * renewals, since + _MONTH * (renewals - 1)
        if renewals and before >= 0 and silent > at - np.floor(before):
            here = 0.0
        if due < at + HORIZON:
            value += float(_MONTHLY[person.subscribes] * np.exp(-hazard * (due - at)))
    return here * value * _KEPT
