"""Lifetime value on real purchases whose answers are published."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml.lifetime_value import gamma_gamma
from ml.lifetime_value.bg_nbd import BgNbd
from ml.lifetime_value.customers import Customers
from ml.lifetime_value.estimators import RateRule
from ml.lifetime_value.history import History
from ml.measures import of_amounts
from warehouse.settings import REPOSITORY

Numbers = NDArray[np.float64]

CASES = Path(os.environ.get("QUESTLOG_CASES") or REPOSITORY.parent / "shared" / "cases")


def purchases_of(case: str) -> pd.DataFrame:
    """Purchase days of a case's customers, with what was paid on each."""
    folder = CASES / case
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent; QUESTLOG_CASES names the folder of cases")
    with gzip.open(folder / "events.jsonl.gz", "rt") as lines:
        events = [json.loads(line) for line in lines]
    paid = pd.DataFrame(
        {
            "person": [event["user_id"] for event in events],
            "day": pd.to_datetime([event["timestamp"][:10] for event in events]),
            "amount": [event["properties"]["amount"] for event in events],
        }
    )
    return paid.groupby(["person", "day"], as_index=False)["amount"].sum()


def calibration(paid: pd.DataFrame, end: str) -> pd.DataFrame:
    """Repeats, weeks to the last purchase, age in weeks, sum and first amount."""
    until = pd.Timestamp(end)
    people = paid[paid["day"] <= until].groupby("person")
    first, last = people["day"].min(), people["day"].max()
    return pd.DataFrame(
        {
            "repeats": people.size() - 1.0,
            "recency": (last - first).dt.days / 7,
            "age": (until - first).dt.days / 7,
            "spent": people["amount"].sum(),
            "first_amount": people["amount"].first(),
        }
    )


def holdout(paid: pd.DataFrame, *, start: str, end: str, people: pd.Index) -> Numbers:
    """Purchase days of each person after `start`, up to and with `end`."""
    later = paid[(paid["day"] > start) & (paid["day"] <= end)]
    counted = later.groupby("person").size().reindex(people).fillna(0)
    return counted.to_numpy(dtype=np.float64)


def told_by(table: pd.DataFrame) -> History:
    columns = (table[name].to_numpy() for name in ("repeats", "recency", "age"))
    return History.of(*columns)


def test_cdnow_gives_the_published_parameters_and_likelihoods() -> None:
    table = calibration(purchases_of("cdnow_clv"), "1997-09-30")
    expected = json.loads((CASES / "cdnow_clv" / "expected.json").read_text())
    again = table[table["repeats"] > 0]
    mean = (again["spent"] - again["first_amount"]) / again["repeats"]

    _, buying = BgNbd.fit(told_by(table))
    _, spending = gamma_gamma.fit(again["repeats"].to_numpy(), mean.to_numpy())

    published = expected["parameters"]
    likelihood = published["bg_nbd"].pop("LL")
    assert len(table) == expected["customers"]
    assert buying.parameters == pytest.approx(published["bg_nbd"], rel=0.01)
    assert buying.log_likelihood == pytest.approx(likelihood, abs=0.1)
    assert spending.parameters == pytest.approx(published["gamma_gamma"], rel=0.01)
    assert spending.log_likelihood == pytest.approx(-4055.92, abs=0.1)
    assert not buying.notes + spending.notes


def test_cdnows_holdout_is_told_better_than_by_the_rule() -> None:
    paid = purchases_of("cdnow_clv")
    table = calibration(paid, "1997-09-30")
    actual = holdout(paid, start="1997-09-30", end="1998-06-30", people=table.index)
    known = Customers(history=told_by(table), mean_value=np.ones(len(table)))

    model, _ = BgNbd.fit(known.history)
    found = of_amounts(actual, model.expected_purchases(known.history, 39))
    rule = of_amounts(actual, RateRule().expect(known, 39).purchases)

    assert found["rmse"] == pytest.approx(1.608, abs=2e-3)
    assert found["mae"] == pytest.approx(0.7855, abs=2e-3)
    assert abs(found["bias"]) < 0.125
    assert rule["rmse"] == pytest.approx(2.2119, abs=1e-3)


def test_online_retail_runs_to_a_boundary_that_is_told() -> None:
    paid = purchases_of("online_retail")
    table = calibration(paid, "2011-06-09")
    actual = holdout(paid, start="2011-06-09", end="2011-12-09", people=table.index)

    model, how = BgNbd.fit(told_by(table))
    found = model.expected_purchases(told_by(table), 183 / 7)

    assert "a" in how.at_boundary
    assert how.notes
    assert np.corrcoef(actual, found)[0, 1] >= 0.8
