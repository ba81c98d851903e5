"""The two sums of a value: for subscriptions, and for single things."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.lifetime_value.contest import Trial, choose, pooled, rolling
from ml.lifetime_value.customers import Customers, Seen
from ml.lifetime_value.history import History
from ml.lifetime_value.subscription_share import (
    LEAST_OF_EACH,
    RULE,
    SINGLE,
    SUBSCRIPTION,
    TREES,
    Share,
    chosen,
    leaning,
    leant,
    shares,
    told_apart,
)
from tests.unit.buyers import HORIZON, START, Ledger, Numbers

FROM = 150.0


def a_day(
    subscribed: Numbers, single: Numbers, *, lately: Numbers | None = None
) -> Seen:
    """Customers who paid so much of each kind after a day, and as much before it."""
    size = len(subscribed)
    return Seen(
        day=START,
        people=np.arange(size).astype(str).astype(object),
        customers=Customers(
            history=History.of(np.ones(size), np.ones(size), np.full(size, 9.0)),
            mean_value=np.full(size, 500.0),
            activity={
                "subscription_minor_56": subscribed if lately is None else lately,
                "single_minor_56": single,
            },
        ),
        spent=subscribed + single,
        subscribed=subscribed,
        bought=np.ones(size),
    )


def world(seed: int, *, subscribers: float, size: int = 400) -> list[Seen]:
    """Four days of a crowd: subscribers pay by the month, others when they like."""
    chance = np.random.default_rng(seed)
    told = []
    for owner in range(size):
        began = chance.uniform(0, FROM)
        until = min(began + chance.exponential(250), 400)
        subscribes = chance.random() < subscribers
        gaps = np.full(40, 30.0) if subscribes else chance.exponential(30, 40)
        paid = began + np.append(0, np.cumsum(gaps))
        amounts = np.full(41, 499.0) if subscribes else chance.gamma(4, 150, 41)
        told += [
            (owner, day, amount, amount * subscribes)
            for day, amount in zip(paid, amounts, strict=True)
            if day < until or day == began
        ]
    owners, days, amount, plan = (
        np.array(column) for column in zip(*told, strict=True)
    )
    paid_by = Ledger.of(owners, days, amount, subscribed=plan)
    return [paid_by.seen_on(FROM + step * HORIZON) for step in range(4)]


@lru_cache
def judged(subscribers: float) -> list[Trial]:
    return rolling(world(3, subscribers=subscribers), horizon_days=HORIZON)


@given(
    subscribed=st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
    single=st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
)
def test_a_share_is_never_below_none_or_above_all(
    subscribed: list[float], single: list[float]
) -> None:
    day = a_day(np.array(subscribed), np.array(single))

    said = Share.of_own(day.customers, [day]).of(day.customers)

    assert ((said >= 0) & (said <= 1)).all()


def test_who_bought_one_kind_is_still_expected_to_buy_some_of_the_other() -> None:
    day = a_day(np.array([499.0, 0.0]), np.array([0.0, 499.0]))

    said = Share.of_own(day.customers, [day]).of(day.customers)

    assert 0.5 < said[0] < 1
    assert 0 < said[1] < 0.5


def test_where_nobody_ever_bought_a_kind_none_of_it_is_expected() -> None:
    day = a_day(np.zeros(3), np.array([100.0, 300.0, 0.0]))

    assert (Share.of_own(day.customers, [day]).of(day.customers) == 0).all()


def test_the_usual_share_is_that_of_what_came_not_of_what_was_bought_before() -> None:
    day = a_day(np.array([300.0]), np.array([100.0]), lately=np.zeros(1))

    assert Share.of_own(day.customers, [day]).usual == pytest.approx(0.75)


@pytest.mark.parametrize(("payers", "found"), [(LEAST_OF_EACH - 1, 1), (60, 2)])
def test_trees_are_grown_where_enough_bought_of_each_kind(
    payers: int, found: int
) -> None:
    subscribed = np.where(np.arange(200) < payers, 499.0, 0.0)
    day = a_day(subscribed, np.full(200, 100.0))

    assert len(shares(day.customers, [day])) == found


@pytest.mark.parametrize(("subscribers", "told_by"), [(0.0, RULE), (0.4, TREES)])
def test_both_sums_come_to_what_was_paid_and_add_up_to_the_whole(
    subscribers: float, told_by: str
) -> None:
    trials = judged(subscribers)

    share = chosen(trials)

    best, _ = choose(pooled(trials))
    found = told_apart(trials, best, share)
    whole = sum(one.expected[best].value.sum() for one in trials)
    assert share == told_by
    assert sum(kind["total_predicted"] for kind in found.values()) == pytest.approx(
        whole
    )
    assert abs(found[SINGLE]["bias"]) <= 0.12
    assert abs(found[SUBSCRIPTION]["bias"]) <= (0.12 if subscribers else 0)


def test_shares_lean_until_both_sums_of_earlier_windows_are_right() -> None:
    trials = judged(0.4)

    lean = leaning(trials, "bg_nbd", TREES)

    value = np.concatenate([one.expected["bg_nbd"].value for one in trials])
    share = leant(np.concatenate([one.shares[TREES] for one in trials]), lean)
    paid = sum(one.subscribed.sum() for one in trials)
    whole = sum(one.spent.sum() for one in trials)
    # told by BG/NBD alone, subscribers are worth too little
    assert lean > 0.1
    assert value @ share / value.sum() == pytest.approx(paid / whole)


def test_a_share_says_the_same_after_it_was_written_and_read() -> None:
    *earlier, last = world(1, subscribers=0.4)

    for share in shares(last.customers, earlier).values():
        again = Share.read(share.files())

        assert np.array_equal(again.of(last.customers), share.of(last.customers))
