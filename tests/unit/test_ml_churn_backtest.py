"""The churn backtest on logs and tables that are no warehouse."""

import csv
import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.churn import backtest, cases, event_logs, log_features, tables
from ml.churn.calibration import Calibration
from ml.churn.observation import observed
from questlog.__main__ import app
from warehouse.errors import BadInput
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES") or REPOSITORY.parent / "shared" / "cases")
START = datetime(2021, 3, 1, tzinfo=UTC)
DAYS = {"observation_days": 4, "churn_period_days": 6}


def event(person: str, days: float, **more: Any) -> dict[str, Any]:
    at = (START + timedelta(days=days)).isoformat()
    return {"user_id": person, "timestamp": at, "event_name": "played", **more}


def write(path: Path, events: list[Any]) -> Path:
    lines = (said if isinstance(said, str) else json.dumps(said) for said in events)
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines))
    return path


def life(person: str, chance: np.random.Generator) -> list[dict[str, Any]]:
    """Plays at a person's own pace until they leave, within 20 days."""
    pace, leaves = chance.gamma(2, 1), chance.exponential(6)
    first = chance.uniform(0, 5)
    after = np.cumsum(chance.exponential(1 / pace, 80))
    own = {"level": float(chance.integers(1, 9)), "team": str(chance.integers(0, 3))}
    return [
        event(person, first + age, properties=own)
        for age in [0.0, *after[after < min(leaves, 20)]]
    ]


def case(folder: Path, people: int = 300) -> Path:
    chance = np.random.default_rng(8)
    lives = [life(f"p{one}", chance) for one in range(people)]
    last = event("watcher", 40)
    told = [said for events in lives for said in events]
    asked = [life(f"q{one}", chance)[0] for one in range(9)]
    write(folder / "train_events.jsonl.gz", [*told, last])
    write(folder / "score_events.jsonl.gz", asked)
    (folder / "params.json").write_text(json.dumps({"kind": "churn", **DAYS}))
    return folder


def features(path: Path, days: float = 4.0) -> pd.DataFrame:
    log = event_logs.read(path)
    seen = observed(log, days)
    return log_features.features(log, seen, log_features.learn(log, seen))


def test_a_feature_sees_nothing_after_the_window(tmp_path: Path) -> None:
    early = [event("a", 0), event("a", 4), event("b", 1), event("b", 3)]
    later = [event("a", 4.01, session_id="s"), event("b", 30, properties={"x": 1})]

    before = features(write(tmp_path / "early.jsonl.gz", early))
    after = features(write(tmp_path / "late.jsonl.gz", [*later, *early]))

    pd.testing.assert_frame_equal(before, after)
    assert before["days_silent"].to_dict() == {"a": 0.0, "b": 2.0}


def test_a_damaged_log_is_read_for_what_it_holds(tmp_path: Path) -> None:
    lines: list[Any] = [
        event("a", 0, event_id="1", properties={"n": 2, "nested": {"x": 1}}),
        event("a", 9, event_id="1"),
        "{broken",
        "7",
        {"user_id": "a", "timestamp": "yesterday", "event_name": "played"},
        {"anonymous_id": "z", "timestamp": "2021-03-02", "event_name": "seen"},
    ]

    log = event_logs.read(write(tmp_path / "log.jsonl.gz", lines))

    assert log.events["person"].tolist() == ["a", "z"]
    assert log.unreadable == 3
    assert log.numbers["value"].tolist() == [2.0]
    with pytest.raises(BadInput, match="no line with an event"):
        event_logs.read(write(tmp_path / "none.jsonl.gz", ["{}"]))


def test_people_whose_churn_period_is_not_over_are_left_out(tmp_path: Path) -> None:
    events = [event("stays", 0), event("stays", 9), event("leaves", 0)]
    events += [event("new", 15), event("new", 20)]
    log = event_logs.read(write(tmp_path / "log.jsonl.gz", events))

    left = cases._followed(log, observation=4, churn_period=6)

    assert left.to_dict() == {"stays": 0.0, "leaves": 1.0}
    none_whole = cases._followed(log, observation=15, churn_period=60)
    assert len(none_whole) == 3


def test_the_command_judges_a_case_and_scores_everyone(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    asked = ["backtest", "churn", "--case", str(case(tmp_path)), "--out", str(out)]

    told = CliRunner().invoke(app, [*asked, "--json"])

    found = json.loads(told.stdout)
    with out.open() as file:
        scores = list(csv.DictReader(file))
    assert {row["user_id"] for row in scores} == {f"q{one}" for one in range(9)}
    assert all(0 < float(row["churn_probability"]) < 1 for row in scores)
    assert found["scored"] == 9
    assert found["figures"]["lightgbm"]["auc"] > 0.7
    low, high = found["intervals"]["rule"]["auc"]
    assert low <= found["figures"]["rule"]["auc"] <= high
    assert "1 people of the training log without" in found["notes"][0]


def test_where_nothing_can_be_told_the_rule_is_kept() -> None:
    chance = np.random.default_rng(5)
    noise = pd.DataFrame(chance.normal(size=(400, 6)), columns=list("abcdef"))

    found = backtest.run(noise, chance.integers(0, 2, 400).astype(float), "a")

    assert found.chosen == backtest.BASELINE
    assert found.figures["lightgbm"]["ece"] < 0.1


def test_calibration_mends_overconfidence_and_never_turns_the_order() -> None:
    chance = np.random.default_rng(6)
    truth = chance.uniform(0.05, 0.95, 5000)
    left = (chance.random(5000) < truth).astype(float)
    odds = np.log(truth / (1 - truth))

    mended = Calibration.fit(1 / (1 + np.exp(-3 * odds)), left)

    assert np.abs(mended(1 / (1 + np.exp(-3 * odds))) - truth).mean() < 0.02
    assert Calibration.fit(1 - truth, left)(np.array([0.2]))[0] == pytest.approx(0.2)


def test_a_table_is_laid_out_as_numbers_without_its_id(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"id{n},{n},{'xy'[n % 2]},Yes" for n in range(1, 40)]
    path.write_text("\n".join(["id,paid,plan,Churn", "id0, ,x,No", *rows]))

    people, left = tables.read(path, "Churn")

    assert list(people.columns) == ["paid", "plan is x", "plan is y"]
    assert np.isnan(people["paid"][0])
    assert left.tolist() == [0.0] + [1.0] * 39
    with pytest.raises(BadInput, match="no column 'gone'"):
        tables.read(path, "gone")


def test_a_folder_stands_for_the_one_table_in_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds 0 CSV files"):
        tables.read(tmp_path, "Churn")

    (tmp_path / "customers.csv").write_text("months,Churn\n1,Yes\n7,No\n7,No\n")
    people, left = tables.read(tmp_path, "Churn")
    assert (len(people), left.tolist()) == (3, [1.0, 0.0, 0.0])

    (tmp_path / "others.csv").write_text("months,Churn\n")
    with pytest.raises(BadInput, match="holds 2 CSV files"):
        tables.read(tmp_path, "Churn")


def test_of_too_few_people_the_rule_scores_and_says_that_it_was_not_judged(
    tmp_path: Path,
) -> None:
    told = cases.of_folder(case(tmp_path, people=30), DAYS)

    assert told.found.chosen == backtest.BASELINE
    assert "of 100 active people needed" in told.found.because
    assert told.scores is not None
    assert told.scores["churn_probability"].between(0.01, 0.99).all()


@pytest.mark.parametrize("label", ["yes", "no"])
def test_where_all_did_the_same_everybody_gets_the_base_rate(
    tmp_path: Path, label: str
) -> None:
    folder = case(tmp_path, people=120)
    rows = [f"p{one},{label}" for one in range(120)]
    (folder / "train_labels.csv").write_text("\n".join(["user_id,churned", *rows]))

    told = cases.of_folder(folder, DAYS)

    assert told.found.chosen == backtest.BASE_RATE
    assert told.scores is not None
    expected = 120.5 / 121 if label == "yes" else 0.5 / 121
    assert told.scores["churn_probability"].tolist() == pytest.approx([expected] * 9)


def test_people_of_one_event_each_are_judged_without_features(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text(json.dumps(DAYS))
    alone = [event(f"p{one}", one % 3) for one in range(150)]
    write(tmp_path / "train_events.jsonl.gz", alone)
    write(tmp_path / "score_events.jsonl.gz", alone[:5])
    rows = [f"p{one},{one % 2}" for one in range(140)]
    (tmp_path / "train_labels.csv").write_text("\n".join(["user_id,churned", *rows]))

    told = cases.of_folder(tmp_path, DAYS)

    assert told.found.chosen == backtest.BASELINE
    assert told.found.figures["rule"]["people"] == 140
    assert told.found.figures["rule"]["base_rate"] == 0.5
    assert told.scores is not None
    chances = told.scores["churn_probability"].tolist()
    assert chances == pytest.approx([0.5] * 5, abs=0.02)


def test_the_course_of_a_number_is_told(tmp_path: Path) -> None:
    scores = {"up": [1, 2, 3], "early": [9, 1, 2]}
    played = [
        event(person, at / 10, properties={"score": value})
        for person, values in scores.items()
        for at, value in enumerate(values)
    ]
    others = [event(f"p{one}", 0, properties={"score": 5}) for one in range(20)]

    found = features(write(tmp_path / "log.jsonl.gz", [*played, *others]))

    told = found[[name for name in found if name.endswith("of played.score")]]
    one = told.rename(columns=lambda name: name.removesuffix(" of played.score")).T
    assert one["up"][["sum", "min", "max", "first", "last"]].tolist() == [6, 1, 3, 1, 3]
    assert one["early"]["place of best"] == 0
    assert one["up"]["place of best"] == 1
    assert one["early"]["best over mean"] == 5
    assert one["up"]["trend"] == pytest.approx(np.sqrt(1.5))
    assert np.isnan(one["p0"]["trend"])


@pytest.mark.slow
def test_telco_is_told_within_the_published_bounds() -> None:
    path = CASES / "telco_churn" / "Telco-Customer-Churn.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent; QUESTLOG_CASES names the folder of cases")

    found = cases.of_table(path, "Churn").found

    best = found.figures[found.chosen]
    assert best["auc"] >= 0.845
    assert best["average_precision"] >= 0.65
    assert best["ece"] <= 0.02
