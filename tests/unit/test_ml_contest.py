"""Which model of what customers spend is promoted, and when none is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.lifetime_value.contest import Trial, choose, pooled, rolling
from ml.lifetime_value.customers import Seen
from ml.lifetime_value.estimators import (
    BASELINES,
    CANDIDATES,
    CORRECTED,
    FALLBACK,
    MODELS,
    RULE,
    TREES,
    Expectation,
)
from ml.lifetime_value.intervals import Range
from ml.lifetime_value.uncertainty import standard_errors
from tests.unit.buyers import HORIZON, Ledger
from warehouse.errors import NotEnoughData

Numbers = NDArray[np.float64]
FROM, STAY = 150.0, 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What no event says of each customer; days, and minor units a purchase."""

    rate: Numbers
    worth: Numbers
    stays: Numbers
    first: Numbers

    @classmethod
    def drawn(
        cls, chance: np.random.Generator, size: int, *, predictable: bool
    ) -> Self:
        """Where nothing is predictable all buy at one rate, for sums of one spread."""
        if predictable:
            drawn = {
                "rate": chance.gamma(0.7, 1 / 28, size),
                "worth": chance.gamma(3, 300, size),
                "stays": chance.exponential(STAY, size),
            }
        else:
            constants = {"rate": 1 / 40, "worth": 900.0, "stays": 1e9}
            drawn = {name: np.full(size, one) for name, one in constants.items()}
        return cls(**drawn, first=chance.uniform(0, 150, size))


def world(
    *, customers: int = 500, predictable: bool = True, seed: int = 0
) -> list[Seen]:
    """Four days of one crowd that buys, leaves and is seen every 28 days."""
    chance = np.random.default_rng(seed)
    truth = Truth.drawn(chance, customers, predictable=predictable)
    days, amounts, now = [truth.first], [truth.worth], truth.first.copy()
    while (now < 400).any():
        now = now + chance.exponential(1 / truth.rate)
        days.append(np.where(now < truth.first + truth.stays, now, np.inf))
        amounts.append(truth.worth * chance.gamma(4, 1 / 4, customers))
    owners = np.tile(np.arange(customers), len(days))
    paid = Ledger.of(owners, np.concatenate(days), np.concatenate(amounts))
    return [paid.seen_on(FROM + step * HORIZON) for step in range(4)]


@lru_cache
def trials(*, predictable: bool = True, seed: int = 0) -> Sequence[Trial]:
    return rolling(world(predictable=predictable, seed=seed), horizon_days=HORIZON)


def test_all_compete_on_the_same_later_windows() -> None:
    found = trials()

    assert len(found) == 3
    assert {tuple(one.expected) for one in found} == {tuple(CANDIDATES)}
    assert {"mae", "rmse", "bias", "purchases_rmse"} <= set(found[0].metrics[RULE])


def test_one_day_alone_has_no_trees() -> None:
    found = rolling(world()[:1], horizon_days=HORIZON)

    assert set(found[0].expected) == set(CANDIDATES) - {TREES, CORRECTED}
    for name in (TREES, CORRECTED):
        with pytest.raises(NotEnoughData, match="two-part model needs"):
            CANDIDATES[name].fit(found[0].customers, [])


def test_where_customers_differ_a_model_is_promoted() -> None:
    best, why = choose(pooled(trials()))

    assert best not in BASELINES
    assert "on later windows" in why


@pytest.mark.parametrize("seed", range(2))
def test_where_nothing_is_predictable_nothing_is_promoted_and_that_is_said(
    seed: int,
) -> None:
    best, why = choose(pooled(trials(predictable=False, seed=seed)))

    assert best == RULE
    assert why.startswith("Nothing promoted")


def test_a_champion_stays_until_it_is_beaten_beyond_luck() -> None:
    figures = pooled(trials())
    best, _ = choose(figures)
    near = "mbg_nbd" if best != "mbg_nbd" else "bg_nbd"

    kept, why = choose(figures, champion=near)
    replaced, _ = choose(figures, champion=RULE)

    assert kept == near
    assert "goes on" in why
    assert replaced == best


def test_an_unsound_fit_is_no_candidate_and_is_named() -> None:
    unsound = frozenset({*MODELS, TREES, CORRECTED} - {FALLBACK})

    best, why = choose(pooled(trials()), unsound=unsound)

    assert best in {FALLBACK, RULE}
    assert "pareto_nbd" in why


def test_the_range_holds_nine_of_ten_in_a_window_it_never_saw() -> None:
    *earlier, last = trials()
    spread = Range.learn(earlier, "bg_nbd")

    low, high = Range.read(spread.files()).around(last.expected["bg_nbd"].value)

    inside = (low <= last.spent) & (last.spent <= high)
    assert 0.86 <= inside.mean() <= 1
    assert (low <= high).all()


def test_a_rule_that_says_0_has_a_range_too() -> None:
    spent = np.array([0.0] * 95 + [500.0] * 5)
    nothing = Expectation(
        probability_alive=np.ones(100), purchases=np.zeros(100), value=np.zeros(100)
    )
    one = Trial(
        people=np.arange(100).astype(object),
        customers=world(customers=100)[0].customers,
        spent=spent,
        subscribed=0.0 * spent,
        bought=spent,
        expected={RULE: nothing},
    )

    low, high = Range.learn([one], RULE).around(np.zeros(1))

    assert low[0] == 0
    assert high[0] == pytest.approx(500)


def test_standard_errors_shrink_with_more_customers() -> None:
    few, many = (world(customers=size)[0].customers for size in (300, 4800))
    found = []
    for crowd in (few, many):
        model = CANDIDATES["nbd"].fit(crowd, [])
        errors = standard_errors(model, crowd, 4)
        assert errors is not None
        found.append(float(np.median(errors)))

    assert found[1] == pytest.approx(found[0] / 4, rel=0.35)
    assert standard_errors(CANDIDATES[RULE].fit(few, []), few, 4) is None


@pytest.mark.parametrize("name", [TREES, CORRECTED])
def test_trees_say_the_same_after_they_were_written_and_read(name: str) -> None:
    *earlier, last = world()
    fitted = CANDIDATES[name].fit(last.customers, earlier)

    again = CANDIDATES[name].read(fitted.files())

    before, after = (one.expect(last.customers, 4).value for one in (fitted, again))
    assert np.array_equal(before, after)
