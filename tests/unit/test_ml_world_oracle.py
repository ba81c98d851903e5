"""Churn on simulated worlds, beside an oracle that knows each person's true course."""

import gzip
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ml.churn import backtest, cases
from ml.churn.backtest import BASELINE
from ml.measures import of_probabilities
from questlog.world.parameters import DAY, Parameters, milliseconds
from questlog.world.scene import Scene, stage
from questlog.world.simulate import HISTORY, simulate

END = date(2026, 3, 1)
DAYS = {"observation_days": 14.0, "churn_period_days": 28.0}
WORLD = Parameters(people=4000, days=150, end=END, seed=11)


def told_of(folder: Path) -> dict[str, list[tuple[int, str]]]:
    """Lines of a world's history by person, with their moments."""
    found: dict[str, list[tuple[int, str]]] = {}
    with gzip.open(folder / HISTORY, "rt") as lines:
        for line in lines:
            try:
                said = json.loads(line)
                moment = pd.Timestamp(said["timestamp"])
            except (ValueError, KeyError, TypeError):
                continue
            if isinstance(said.get("user_id"), str):
                at = milliseconds(moment.to_pydatetime())
                found.setdefault(said["user_id"], []).append((at, line))
    return found


def case(folder: Path, out: Path, world: Parameters) -> pd.DataFrame:
    """A churn case of those who came in history; half of them to be scored.

    Returns of those to be scored how long they were silent when judged, in days, and
    whether they left.
    """
    joined = {person.user_id: person.joined_at for person in stage(world).people}
    observed, followed = (int(days * DAY) for days in DAYS.values())
    judged = []
    with (
        gzip.open(out / "train_events.jsonl.gz", "wt") as train,
        gzip.open(out / "score_events.jsonl.gz", "wt") as score,
    ):
        for number, (person, told) in enumerate(sorted(told_of(folder).items())):
            first = min(at for at, _ in told)
            until = first + observed
            whole = until + followed <= world.history_to
            if joined.get(person, 0) < world.history_from or not whole:
                continue
            if number % 2:
                train.writelines(line for _, line in told)
                continue
            score.writelines(line for at, line in told if at <= until)
            stayed = any(until < at <= until + followed for at, _ in told)
            silent = (until - max(at for at, _ in told if at <= until)) / DAY
            judged.append((person, silent, float(not stayed)))
    return pd.DataFrame(judged, columns=["person", "silent", "left"])


def oracle(scene: Scene, judged: pd.DataFrame) -> NDArray[np.float64]:
    """The chance of having left, or of leaving before coming again.

    By the simulator's own hazard and appetite of each person, and the silence that
    anybody could see: who has left is not told to the oracle, as no event tells it.
    """
    cast = {person.user_id: (person, course) for person, course in scene.cast()}
    both = [cast[person] for person in judged["person"]]
    comes = np.array([person.appetite for person, _ in both])
    leaves = np.array([course.hazard for _, course in both])
    all_of = comes + leaves
    gone_to_here = leaves / all_of * np.expm1(all_of * judged["silent"].to_numpy())
    here = 1 / (1 + gone_to_here)
    return np.asarray(1 - here + here * leaves / all_of)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a world."""
    folder = tmp_path_factory.mktemp("world")
    simulate(WORLD, folder)
    return folder


def case_by_lot(folder: Path, out: Path) -> None:
    """The same people and what they did, but who stays is drawn by lot."""
    chance = np.random.default_rng(6)
    observed = int(DAYS["observation_days"] * DAY)
    with (
        gzip.open(out / "train_events.jsonl.gz", "wt") as train,
        gzip.open(out / "score_events.jsonl.gz", "wt") as score,
    ):
        for number, (person, told) in enumerate(sorted(told_of(folder).items())):
            until = min(at for at, _ in told) + observed
            lines = [line for at, line in told if at <= until]
            if number % 2:
                score.writelines(lines)
                continue
            train.writelines(lines)
            days = chance.choice([20, 40])
            at = pd.Timestamp(until + int(days * DAY), unit="ms", tz="UTC")
            said = {"event_name": "rolled", "user_id": person}
            train.write(json.dumps(said | {"timestamp": at.isoformat()}) + "\n")


@pytest.mark.slow
def test_churn_is_told_nine_tenths_as_precisely_as_by_the_worlds_own_hazard(
    world: Path, tmp_path: Path
) -> None:
    judged = case(world, tmp_path, WORLD)

    told = cases.of_folder(tmp_path, DAYS)

    assert told.scores is not None
    said = told.scores.set_index("user_id")["churn_probability"]
    left = judged["left"].to_numpy()
    ours = of_probabilities(left, said.reindex(judged["person"]).to_numpy())
    best = of_probabilities(left, oracle(stage(WORLD), judged))
    assert told.found.chosen != BASELINE
    assert ours["average_precision"] >= 0.9 * best["average_precision"]
    assert ours["ece"] <= 0.06


@pytest.mark.slow
def test_where_who_stays_is_drawn_by_lot_no_model_is_promoted(
    world: Path, tmp_path: Path
) -> None:
    case_by_lot(world, tmp_path)

    told = cases.of_folder(tmp_path, DAYS)

    assert told.found.chosen == BASELINE
    assert "no model" in told.found.because
    assert told.scores is not None
    assert told.scores["churn_probability"].between(0.4, 0.6).mean() > 0.95


def test_chances_known_by_construction_are_told_nearly_as_well_as_they_can_be() -> None:
    chance = np.random.default_rng(4)
    silence, pace = chance.exponential(2, 3000), chance.gamma(2, 1, 3000)
    truth = 1 / (1 + np.exp(1.5 - silence * pace / 2))
    left = (chance.random(3000) < truth).astype(float)
    people = pd.DataFrame({"days_silent": silence, "visits": pace * 5})
    taught, asked = people[:2000], people[2000:]

    found = backtest.run(taught, left[:2000], "days_silent")
    said = backtest.score(taught, left[:2000], asked, found=found, column="days_silent")

    ours = of_probabilities(left[2000:], said)
    best = of_probabilities(left[2000:], truth[2000:])
    assert found.chosen != BASELINE
    assert ours["average_precision"] >= 0.97 * best["average_precision"]
    assert ours["log_loss"] <= best["log_loss"] + 0.02
