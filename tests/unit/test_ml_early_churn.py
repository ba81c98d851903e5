"""Early churn: later newcomers judge models of earlier ones, and nothing leaks."""

import itertools
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.churn.contest import BASELINE, choose, pooled
from ml.early_churn.contest import CANDIDATES, JUDGED_DAYS, origins, rolling
from ml.early_churn.features import MEASURED, NAMED
from warehouse.errors import NotEnoughData

AS_OF = date(2026, 6, 1)
HORIZON = 10
END = float((AS_OF - date(1970, 1, 1)).days)


def newcomers(size: int = 2500, *, signal: float = 1.0) -> pd.DataFrame:
    """Newcomers of two hundred days; who did little in their last day stays away."""
    chance = np.random.default_rng(2)
    found = pd.DataFrame(
        {name: chance.poisson(3.0, size).astype(float) for name in MEASURED}
    )
    found["days_since_last_active"] = chance.uniform(0, 5, size)
    odds = signal * (found["days_since_last_active"] - found["events_last_day"] + 0.5)
    found["churned"] = (chance.random(size) < 1 / (1 + np.exp(-odds))).astype(float)
    found["moment"] = END - HORIZON - chance.uniform(0, 200, size)
    found["person_id"] = [f"person-{number}" for number in range(size)]
    for name in NAMED:
        found[name] = chance.choice(["one", "other", ""], size)
    return found


def test_the_last_judged_horizon_ends_on_the_day() -> None:
    found = origins(AS_OF, HORIZON)

    steps = {later - one for one, later in itertools.pairwise(found)}
    assert steps == {timedelta(days=JUDGED_DAYS)}
    assert found[-1] + timedelta(days=JUDGED_DAYS + HORIZON) == AS_OF


def test_models_are_judged_on_newcomers_after_the_outcomes_they_learned() -> None:
    everyone = newcomers()
    begins = END - HORIZON - JUDGED_DAYS
    # whose outcome was not known when the last window began
    between = (everyone["moment"] + HORIZON > begins) & (everyone["moment"] < begins)
    turned = everyone.assign(
        churned=np.where(between, 1 - everyone["churned"], everyone["churned"])
    )

    last = rolling(everyone, as_of=AS_OF, horizon_days=HORIZON)[-1]
    without = rolling(turned, as_of=AS_OF, horizon_days=HORIZON)[-1]

    assert between.sum() > 100
    assert last.people["moment"].between(begins, END - HORIZON).all()
    for name in CANDIDATES:
        assert np.array_equal(last.raw[name], without.raw[name])


def test_a_model_that_knows_more_than_silence_beats_the_rule() -> None:
    trials = rolling(newcomers(), as_of=AS_OF, horizon_days=HORIZON)

    best, _ = choose(pooled(trials))

    assert best in {"lightgbm", "logistic_regression"}


def test_where_nothing_can_be_told_of_newcomers_nothing_is_promoted() -> None:
    trials = rolling(newcomers(signal=0.0), as_of=AS_OF, horizon_days=HORIZON)

    best, why = choose(pooled(trials))

    assert best == BASELINE
    assert "Nothing promoted" in why


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_a_model_of_newcomers_says_the_same_after_it_was_read(name: str) -> None:
    everyone = newcomers(600)
    model = CANDIDATES[name].fit(everyone, everyone["churned"].to_numpy())

    again = CANDIDATES[name].read(model.files())

    others = newcomers(300)
    assert np.array_equal(again.probabilities(others), model.probabilities(others))


def test_too_few_newcomers_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="lack"):
        rolling(newcomers(150), as_of=AS_OF, horizon_days=HORIZON)
