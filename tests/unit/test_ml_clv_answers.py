"""The answers to the case kind clv, whole."""

import gzip
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.lifetime_value.cases import answer
from warehouse.errors import BadInput, NotEnoughData
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES") or REPOSITORY.parent / "shared" / "cases")
PERIODS = {"calibration_end": "2020-06-30", "holdout_end": "2020-12-31"}


def answered_by(paid: pd.DataFrame, said: dict[str, str]) -> dict[str, Any]:
    ends = {
        name: date.fromisoformat(said[name])
        for name in ("calibration_end", "holdout_end")
    }
    return answer(paid, time_unit=said.get("time_unit", "week"), **ends)


def answered(case: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A case's answer, and what is expected of it."""
    folder = CASES / case
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent; QUESTLOG_CASES names the folder of cases")
    params = json.loads((folder / "params.json").read_text())
    with gzip.open(folder / "events.jsonl.gz", "rt") as lines:
        events = [json.loads(line) for line in lines]
    paid = pd.DataFrame(
        {
            "customer": [event["user_id"] for event in events],
            "day": pd.to_datetime([event["timestamp"][:10] for event in events]),
            "amount": [e["properties"][params["amount_property"]] for e in events],
        }
    )
    said = params.get("clv", params)
    found = json.loads(json.dumps(answered_by(paid, said), allow_nan=False))
    return found, json.loads((folder / "expected.json").read_text())


def test_cdnow_is_answered_as_published() -> None:
    found, expected = answered("cdnow_clv")

    counts = ("customers", "holdout_transactions", "calibration_repeat_transactions")
    for name in (*counts, "repeat_customers_in_calibration"):
        assert found[name] == expected[name]
    for model, told in expected["parameters"].items():
        likelihood = told.pop("LL", None)
        fitted = found["parameters"][model]
        assert {name: fitted[name] for name in told} == pytest.approx(told, rel=0.01)
        assert likelihood is None or fitted["LL"] == pytest.approx(likelihood, abs=0.1)
    for ours, theirs in {"mbg_nbd": "mbgnbd", "pareto_nbd": "pnbd"}.items():
        reference = expected["reference_holdout"][theirs]
        assert found["holdout"][ours]["mae"] == pytest.approx(
            reference["mae"], rel=1e-3
        )


def test_cdnows_chosen_model_is_within_the_bounds_and_told_with_its_doubt() -> None:
    found, _ = answered("cdnow_clv")

    best = found["holdout"][found["chosen"]]
    rule = found["holdout"]["rate_rule"]
    assert best["rmse"] <= 1.62 < rule["rmse"]
    assert best["mae"] <= 0.76 < rule["mae"]
    assert abs(best["sum_predicted"] / best["sum_actual"] - 1) <= 0.12
    assert found["interval"]["share_of_customers_inside"] >= 0.88
    assert "standard errors" in found["chosen_because"]


def test_online_retail_falls_back_where_nobody_seems_to_leave() -> None:
    told, _ = answered("online_retail")

    assert told["fits"]["bg_nbd"]["at_boundary"]
    assert told["chosen"] == "nbd"
    assert "bg_nbd" in told["chosen_because"]
    assert told["holdout"]["nbd"]["corr"] >= 0.8
    assert told["parameters"]["nbd"]["LL"] == pytest.approx(
        told["parameters"]["bg_nbd"]["LL"], abs=0.1
    )


def purchases(days: list[str], amounts: list[float]) -> pd.DataFrame:
    people = [f"c{number // 2}" for number in range(len(days))]
    return pd.DataFrame(
        {"customer": people, "day": pd.to_datetime(days), "amount": amounts}
    )


def test_the_order_of_rows_changes_nothing() -> None:
    chance = np.random.default_rng(4)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(
        chance.integers(0, 366, 400), "D"
    )
    paid = pd.DataFrame(
        {
            "customer": [f"c{one}" for one in chance.integers(0, 90, 400)],
            "day": days,
            "amount": chance.lognormal(2, 1, 400).round(2),
        }
    )

    found = answered_by(paid, PERIODS)
    again = answered_by(paid.sample(frac=1, random_state=1), PERIODS)

    assert again["chosen"] == found["chosen"]
    assert again["holdout"]["bg_nbd"] == pytest.approx(found["holdout"]["bg_nbd"])


def test_a_case_that_cannot_be_answered_says_what_lacks() -> None:
    once = purchases(["2020-01-01", "2020-01-01"], [1.0, 2.0])

    with pytest.raises(NotEnoughData, match="Nobody bought up to 2020-06-30"):
        answered_by(once[:0], PERIODS)
    with pytest.raises(BadInput, match="holdout_end 2020-01-01 is not after"):
        answered_by(once, {**PERIODS, "holdout_end": "2020-01-01"})
    with pytest.raises(BadInput, match="one of week, day"):
        answered_by(once, {**PERIODS, "time_unit": "fortnight"})


def test_where_nobody_bought_twice_the_rule_answers_and_says_so() -> None:
    once = purchases(["2020-01-01", "2020-01-01", "2020-08-01"], [1.0, 2.0, 3.0])

    found = answered_by(once, PERIODS)

    assert (found["customers"], found["repeat_customers_in_calibration"]) == (1, 0)
    assert found["chosen"] == "rate_rule"
    assert "second day" in found["chosen_because"]
    assert found["interval"] is None


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    chance = np.random.default_rng(8)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(
        chance.integers(0, 366, 400), "D"
    )
    customers = [f"c{one}" for one in chance.integers(0, 90, 400)]
    return pd.DataFrame({"customer": customers, "day": days, "amount": 5.0})


def test_without_money_how_often_they_buy_is_still_told(many: pd.DataFrame) -> None:
    found = answered_by(many.assign(amount=0.0), PERIODS)

    assert found["holdout_value"] is None
    assert "gamma_gamma" not in found["parameters"]
    assert found["chosen"] in found["holdout"]


def test_the_unit_of_time_scales_rates_and_changes_no_forecast(
    many: pd.DataFrame,
) -> None:
    weeks = answered_by(many, PERIODS)
    days = answered_by(many, {**PERIODS, "time_unit": "days"})

    for model in ("nbd", "pareto_nbd"):
        by_week, by_day = weeks["parameters"][model], days["parameters"][model]
        assert by_day["alpha"] == pytest.approx(7 * by_week["alpha"])
        assert by_day["r"] == by_week["r"]
        repeats = weeks["calibration_repeat_transactions"]
        assert by_day["LL"] == pytest.approx(by_week["LL"] - repeats * np.log(7))
    assert days["holdout"] == weeks["holdout"]
