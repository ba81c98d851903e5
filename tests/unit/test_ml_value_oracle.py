"""Lifetime value on a simulated world, beside an oracle that knows what people want."""

import json
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml.lifetime_value.contest import choose, pooled, rolling
from ml.lifetime_value.customers import ACTIVITY, FEATURES, Seen, seen
from ml.lifetime_value.estimators import BASELINES
from questlog.world.parameters import DAY, Parameters
from questlog.world.rates import Rates, read_rates
from questlog.world.scene import Scene, stage
from questlog.world.simulate import simulate
from tests.unit.test_ml_world_oracle import END, told_of

HORIZON = 28
WORLD = Parameters(people=2000, days=200, end=END, seed=23)
SPINE = [END - timedelta(days=HORIZON * step) for step in (5, 4, 3, 2, 1)]
_DAYS_A_MONTH = 30
Deeds = dict[str, list[tuple[int, str, int, bool]]]
"""By person: moment, event, euro cents and whether a subscription was paid."""


def deeds(folder: Path) -> Deeds:
    """What the history says of everybody, money in cents of the euro."""
    rates = read_rates()
    found: Deeds = defaultdict(list)
    for person, told in told_of(folder).items():
        seen = set()
        for at, line in sorted(told):
            said = json.loads(line)
            event = said.get("event_name")
            # the history holds what a door refuses, and copies
            if not isinstance(event, str) or said.get("event_id") in seen:
                continue
            seen.add(said.get("event_id"))
            properties = said.get("properties") or {}
            subscribed = properties.get("product") == "subscription"
            cents = _euro_cents(rates, event, properties, at)
            found[person].append((at, event, cents, subscribed))
    return found


def _euro_cents(
    rates: Rates, event: str, properties: dict[str, object], at: int
) -> int:
    amount, currency = properties.get("amount_cents"), properties.get("currency")
    if not event.startswith("payment_") or not isinstance(amount, int):
        return 0
    day = date(1970, 1, 1) + timedelta(days=at // DAY)
    cents = rates.told_in("EUR", amount, of=str(currency), on=day) or 0
    return -cents if event == "payment_refunded" else cents


def customers(told: Deeds, day: date) -> pd.DataFrame:
    """Who had paid before a day, as feat_people tells it, and what they spent next."""
    begins = (day - date(1970, 1, 1)).days
    rows = []
    for person, done in sorted(told.items()):
        before = [
            (begins - at // DAY, *rest) for at, *rest in done if at < begins * DAY
        ]
        spent = [
            (at // DAY, cents)
            for at, _, cents, _ in done
            if begins <= at // DAY < begins + HORIZON
        ]
        bought: dict[int, int] = defaultdict(int)
        for ago, name, cents, _ in before:
            if name == "payment_completed":
                bought[int(ago)] += int(cents)
        bought = {ago: cents for ago, cents in bought.items() if cents > 0}
        if not bought:
            continue
        first, last = max(bought), min(bought)
        lately = [one for one in before if one[0] <= 2 * HORIZON]
        paid = [one for one in lately if one[1] == "payment_completed"]
        rows.append(
            dict.fromkeys((*FEATURES, *ACTIVITY), 0.0)
            | {
                "person_id": person,
                "purchase_frequency": len(bought) - 1,
                "purchase_recency_days": first - last,
                "purchase_age_days": first,
                "purchase_mean_minor": sum(bought.values()) / len(bought),
                "tenure_days": max(one[0] for one in before),
                "days_since_last_active": min(one[0] for one in before),
                "active_days_28": len({o[0] for o in before if o[0] <= HORIZON}),
                "active_days_56": len({one[0] for one in lately}),
                "payments_56": len(paid),
                "revenue_minor_56": sum(one[2] for one in lately),
                "subscription_minor_56": sum(one[2] for one in paid if one[3]),
                "single_minor_56": sum(one[2] for one in paid if not one[3]),
                "revenue_minor": sum(cents for _, cents in spent),
                "purchase_days": len({at for at, cents in spent if cents > 0}),
            }
        )
    return pd.DataFrame(rows)


def oracle(scene: Scene, people: pd.DataFrame) -> NDArray[np.float64]:
    """What each will spend in the horizon, by their own rate, price, plan and hazard.

    Who has left is not told to it, as no event tells it: it knows the silence, how
    often this person comes, and what that says.
    """
    cast = {person.user_id: (person, course) for person, course in scene.cast()}
    silent = people["days_since_last_active"].to_numpy(np.float64)
    values = []
    for name, days in zip(people["person_id"], silent, strict=True):
        person, course = cast[name]
        both = person.appetite + course.hazard
        here = 1 / (1 + course.hazard / both * np.expm1(both * days))
        stays = -np.expm1(-course.hazard * HORIZON) / course.hazard
        # prices are lognormal around the usual one
        each = person.usual_price * np.exp(0.4**2 / 2)
        monthly = {"hero": 499, "legend": 1299}.get(person.subscribes, 0)
        values.append(
            here * stays * (person.purchase_rate * each + monthly / _DAYS_A_MONTH)
        )
    return np.array(values)


def error(spent: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((said - spent) ** 2)))


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Seen, pd.DataFrame]]:
    """The customers of each day of a spine, with what they did next."""
    folder = tmp_path_factory.mktemp("world")
    simulate(WORLD, folder)
    told = deeds(folder)
    frames = [customers(told, day) for day in SPINE]
    return [(seen(d, frame), frame) for d, frame in zip(SPINE, frames, strict=True)]


@pytest.mark.slow
def test_value_is_told_nearly_as_well_as_by_who_knows_what_people_want(
    days: list[tuple[Seen, pd.DataFrame]],
) -> None:
    trials = rolling([one for one, _ in days], horizon_days=HORIZON)

    chosen, _ = choose(pooled(trials))

    told = np.concatenate([one.expected[chosen].value for one in trials])
    spent = np.concatenate([one.spent for one in trials])
    scene = stage(WORLD)
    best = np.concatenate([oracle(scene, frame) for _, frame in days[-len(trials) :]])
    assert chosen not in BASELINES
    assert error(spent, told) <= 1.15 * error(spent, best)


@pytest.mark.slow
def test_where_what_people_spend_is_drawn_by_lot_no_model_is_promoted(
    days: list[tuple[Seen, pd.DataFrame]],
) -> None:
    chance = np.random.default_rng(9)
    dealt = []
    for one, frame in days:
        order = chance.permutation(len(frame))
        ends = {
            name: frame[name].to_numpy()[order]
            for name in ("revenue_minor", "purchase_days")
        }
        dealt.append(seen(one.day, frame.assign(**ends)))

    chosen, why = choose(pooled(rolling(dealt, horizon_days=HORIZON)))

    assert chosen in BASELINES
    assert "Nothing promoted" in why
