"""Health: a sum of parts that anyone can check by hand."""

from pathlib import Path

import pandas as pd
import pytest

from ml.health.scoring import Part, score, weights
from ml.people import MEASURED
from warehouse.errors import BadInput


def a_person(**changed: float) -> pd.DataFrame:
    return pd.DataFrame([dict.fromkeys(MEASURED, 0.0) | changed])


def test_health_is_the_sum_of_its_parts() -> None:
    ann = a_person(
        days_since_last_active=15,
        active_days_28=3,
        distinct_features_28=9,
        sessions_28=1,
        sessions_prev_28=2,
    )

    found = score(ann, weights()).iloc[0]

    assert found.to_dict() == {
        "recency": 12.5,
        "frequency": 6.25,
        "breadth": 15.0,
        "trend": 7.5,
        "company": 0.0,
        "payment": 0.0,
        "health": 41.25,
    }


def test_what_was_not_measured_gives_no_points() -> None:
    part = Part(name="trend", measure="sessions_ratio", none=0, full=1, points=100)

    assert score(a_person(), [part])["health"].tolist() == [0.0]


def test_points_that_are_not_a_hundred_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.yml"
    path.write_text("play: {measure: rolls_28, none: 0, full: 9, points: 60}")

    with pytest.raises(BadInput, match="the points are 60; they must be 100"):
        weights(path)
