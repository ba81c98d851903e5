"""Churn: three candidates, one later window, and the rule that must be beaten."""

from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.cards.resampling import Resampled
from ml.churn.boosted_trees import BoostedTrees
from ml.churn.contest import (
    BASELINE,
    CANDIDATES,
    Fitted,
    calibrations,
    choose,
    enough,
    pooled,
    rolling,
    trial,
)
from ml.churn.features import MEASURED, NAMED, Design
from ml.churn.logistic_regression import LogisticRegression, pipeline
from ml.churn.recency_rule import RecencyRule
from ml.promises import ASKS, of_chances
from ml.spine import split
from warehouse.errors import NotEnoughData

AS_OF = date(2026, 6, 1)
DAYS = split([AS_OF - timedelta(days=28 * step) for step in (1, 2, 3)], AS_OF)


def people(seed: int = 1, each_day: int = 500, *, signal: float = 1.0) -> pd.DataFrame:
    """Active people on the days of the split; how they leave depends on `signal`.

    Silence matters in proportion to a person's own pace, which the rule can't see.
    """
    generator = np.random.default_rng(seed)
    size = each_day * len(DAYS.complete)
    found = pd.DataFrame(
        {name: generator.poisson(3, size).astype(float) for name in MEASURED}
    )
    found["active_days_56"] = generator.integers(1, 50, size).astype(float)
    found["days_since_last_active"] = np.floor(generator.exponential(9, size)) % 56
    pace = found["days_since_last_active"] * found["active_days_56"] / 56
    odds = signal * (1.1 * np.log1p(pace) - 0.4 * found["sessions_28"] + 0.2)
    found["churned"] = (generator.random(size) < 1 / (1 + np.exp(-odds))).astype(float)
    found["day"] = np.repeat([day.isoformat() for day in DAYS.complete], each_day)
    found["person_id"] = [f"person-{n}" for n in range(size)]
    for name in NAMED:
        found[name] = generator.choice(["free", "hero", ""], size)
    return found


@lru_cache
def fitted(name: str) -> Fitted:
    everyone = people()
    return CANDIDATES[name].fit(everyone, everyone["churned"].to_numpy())


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_a_model_says_the_same_after_it_was_written_and_read(name: str) -> None:
    model = fitted(name)
    others = people(seed=2)

    again = CANDIDATES[name].read(model.files())

    assert np.array_equal(again.probabilities(others), model.probabilities(others))


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_the_same_rows_give_the_same_model_file(name: str) -> None:
    fitted.cache_clear()
    first = fitted(name).files()
    fitted.cache_clear()

    assert fitted(name).files() == first


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_probabilities_are_probabilities_even_of_people_never_imagined(
    name: str,
) -> None:
    strange = people(seed=3, each_day=5).assign(plan="nobility", country="")
    strange[list(MEASURED)] *= 1e6
    strange["tenure_days"] = np.nan

    found = fitted(name).probabilities(strange)

    assert ((found >= 0) & (found <= 1)).all()


def test_the_stored_coefficients_say_what_sklearns_pipeline_says() -> None:
    everyone, others = people(), people(seed=4)
    others.loc[::7, "rolls_28"] = np.nan
    churned = everyone["churned"].to_numpy()
    design = Design.learn(everyone)

    ours = LogisticRegression.fit(everyone, churned).probabilities(others)
    theirs = pipeline().fit(design.numbers(everyone), churned)

    assert ours == pytest.approx(theirs.predict_proba(design.numbers(others))[:, 1])


@pytest.mark.parametrize(
    ("column", "sign"), [(name, sign) for name, sign in MEASURED.items() if sign]
)
def test_trees_are_monotone_where_sense_says_so(column: str, sign: int) -> None:
    model = fitted("lightgbm")
    little = people(seed=5, each_day=40).assign(active_days_56=20.0)
    little["sessions_28"] = 3.0
    values = np.linspace(0, 60, 7)

    found = np.stack(
        [model.probabilities(little.assign(**{column: value})) for value in values]
    )

    # silence_in_cadences pulls active_days_56 the other way: see Design
    if column != "active_days_56":
        assert (sign * np.diff(found, axis=0) >= -1e-12).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 55), st.booleans()), min_size=2, max_size=200
    ).filter(lambda rows: len({left for _, left in rows}) == 2)
)
@settings(deadline=None)
def test_more_silence_never_means_a_smaller_chance_of_leaving(
    rows: list[tuple[int, bool]],
) -> None:
    silent = pd.DataFrame({"days_since_last_active": [float(days) for days, _ in rows]})
    churned = np.array([float(left) for _, left in rows])

    rule = RecencyRule.fit(silent, churned)
    found = rule.probabilities(
        pd.DataFrame({"days_since_last_active": np.arange(0.0, 80.0)})
    )

    assert (np.diff(found) >= -1e-12).all()
    assert ((found > 0) & (found < 1)).all()


def test_where_there_is_more_to_know_than_silence_a_model_beats_the_rule() -> None:
    figures = pooled(rolling(people(), DAYS))
    metrics = figures.measured

    best, why = choose(figures)

    assert best != BASELINE
    assert metrics[best]["average_precision"] > metrics[BASELINE]["average_precision"]
    assert metrics[best]["brier"] < metrics[BASELINE]["brier"]
    assert best in why


def sampled(**figures: tuple[float, float, float]) -> Resampled:
    """Three figures a model, and samples in which they scatter together."""
    names = ("average_precision", "brier", "log_loss")
    told = {
        model: dict(zip(names, values, strict=True))
        for model, values in figures.items()
    }
    shifts = np.random.default_rng(1).normal(0, 0.01, 100)
    again = [
        {m: {k: v + shift for k, v in each.items()} for m, each in told.items()}
        for shift in shifts
    ]
    return Resampled(measured=told, again=again)


def test_a_model_that_does_not_beat_the_rule_in_both_figures_is_not_chosen() -> None:
    sharper_but_biased = sampled(lightgbm=(0.6, 0.2, 0.5), recency_rule=(0.5, 0.2, 0.6))

    best, why = choose(sharper_but_biased)

    assert best == BASELINE
    assert "Nothing promoted" in why


def test_where_nothing_can_be_told_nothing_is_promoted() -> None:
    noise = people(signal=0.0)

    best, why = choose(pooled(rolling(noise, DAYS)))

    assert best == BASELINE
    assert "no model beat it" in why


def test_the_champion_stays_unless_a_challenger_beats_it_beyond_luck() -> None:
    close = sampled(
        lightgbm=(0.60, 0.150, 0.49),
        logistic_regression=(0.62, 0.151, 0.50),
        recency_rule=(0.5, 0.2, 0.6),
    )

    assert choose(close)[0] == "lightgbm"
    stays, why = choose(close, champion="logistic_regression")

    assert stays == "logistic_regression"
    assert "goes on writing the scores" in why


def test_chances_are_brought_to_what_happened_in_earlier_windows_alone() -> None:
    everyone = people()
    trials = rolling(everyone, DAYS)
    alone = trial(everyone, DAYS)

    first, last = trials
    mended = calibrations([first])["lightgbm"]
    assert np.array_equal(first.raw["lightgbm"], first.said["lightgbm"])
    assert np.array_equal(last.raw["lightgbm"], alone.raw["lightgbm"])
    assert np.array_equal(last.said["lightgbm"], mended(alone.raw["lightgbm"]))


def test_scores_that_turned_out_wrong_ask_for_training() -> None:
    chance = np.random.default_rng(3)
    said = chance.uniform(0.05, 0.9, 2000)
    as_said = (chance.random(2000) < said).astype(float)
    far_fewer = as_said * (chance.random(2000) < 0.5)

    assert of_chances(as_said, said, {})[ASKS] == 0
    assert of_chances(far_fewer, said, {})[ASKS] == 1
    assert of_chances(as_said, 1 - said, {})[ASKS] == 1


def test_the_judged_day_does_not_teach_the_models_that_are_judged() -> None:
    everyone = people()
    later = everyone["day"] == DAYS.judged.isoformat()
    turned = everyone.assign(
        churned=np.where(later, 1 - everyone["churned"], everyone["churned"])
    )

    before, after = (trial(each, DAYS).metrics for each in (everyone, turned))

    for name in CANDIDATES:
        assert after[name]["auc"] == pytest.approx(1 - before[name]["auc"])


def test_what_lacks_is_named() -> None:
    with pytest.raises(NotEnoughData, match=r"30 of 100.*10 of 20 needed who left"):
        enough(np.array([1.0] * 10 + [0.0] * 20), "judged day lacks")


def test_a_level_few_people_have_is_no_column() -> None:
    everyone = people(each_day=100).assign(plan="free")
    everyone.loc[:5, "plan"] = "legend"

    names = Design.learn(everyone).names

    assert "plan is free" in names
    assert "plan is legend" not in names


def test_trees_keep_their_design_beside_them() -> None:
    model = fitted("lightgbm")

    assert isinstance(model, BoostedTrees)
    assert set(model.files()) == {"lightgbm.txt", "design.json"}
