"""Segments: clusters that are there, differences that matter, definitions as data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml.people import MEASURED
from ml.segments.clusters import find
from ml.segments.definitions import Condition, Definition, load, members
from ml.segments.differences import differences, holm
from ml.segments.warehoused import figures, grouped
from warehouse.errors import BadInput


def blobs(*middles: float, each: int = 60) -> np.ndarray:
    chance = np.random.default_rng(3)
    return np.concatenate(
        [chance.normal(middle, 1, (each, 3)) for middle in middles]
    ).astype(np.float32)


def people(size: int = 100) -> pd.DataFrame:
    chance = np.random.default_rng(9)
    found = pd.DataFrame(
        {name: chance.poisson(4, size).astype(float) for name in MEASURED}
    )
    return found.assign(person_id=[f"p{n}" for n in range(size)], plan="free")


def test_groups_that_are_there_are_found_the_largest_first() -> None:
    found = find(np.concatenate([blobs(-8, 0, 8), blobs(8)]))

    stable = {each.k: each.stability for each in found.tried}
    assert found.chosen == 3
    assert np.bincount(found.labels).tolist() == [120, 60, 60]
    assert found.dense.max() == 2
    assert stable[3] > 0.95
    assert stable[7] < 0.75


def test_people_who_are_all_alike_are_one_group() -> None:
    found = find(np.ones((60, 3), np.float32))

    assert found.chosen == 1
    assert set(found.labels) == {0}


def test_a_difference_is_told_by_its_effect_and_holm_guards_against_luck() -> None:
    chance = np.random.default_rng(1)
    labels = np.repeat([0, 1], 200)
    measures = {
        "noise": chance.normal(size=400),
        "apart": labels * 9 + chance.normal(size=400),
        "same": np.ones(400),
    }

    apart, noise, same = differences(measures, labels)

    assert (apart.measure, noise.measure, same.measure) == ("apart", "noise", "same")
    assert apart.effect > 0.7
    assert apart.p < 1e-9
    assert noise.p > 0.05
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_the_four_of_the_founding_document_are_defined() -> None:
    assert [each.name for each in load()] == [
        "at_risk",
        "expansion",
        "feature_champions",
        "power_users",
    ]


def test_a_declining_person_is_at_risk_and_a_new_one_is_not() -> None:
    at_risk = load()[0]
    three = people(3).assign(sessions_prev_28=[6, 6, 0], sessions_28=[3, 4, 0])

    assert members(at_risk, three).tolist() == [True, False, False]


def test_a_top_share_is_one_of_all_people() -> None:
    top = Definition(
        name="top",
        meaning="",
        where=(Condition(column="plan", one_of=("free",)),),
        top_share=0.1,
        by=("rolls_28",),
    )
    everyone = people().assign(rolls_28=np.arange(100.0))

    assert np.flatnonzero(members(top, everyone)).tolist() == list(range(90, 100))


def test_a_faulty_definition_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.yml").write_text("meaning: x\nwhere: {shoe_size: {at_least: 1}}")

    with pytest.raises(BadInput, match=r"Segment odd.yml: shoe_size"):
        load(tmp_path)


def test_all_that_is_written_of_a_day_is_there() -> None:
    everyone = people()
    found = find(everyone[list(MEASURED)].to_numpy(np.float32))

    groups, told = grouped(everyone, found), figures(everyone, found)

    assert set(groups) == {"defined", "kmeans", "hdbscan"}
    assert sum(flags.sum() for flags in groups["kmeans"].values()) == 100
    assert ("kmeans", "k") in {(method, figure) for method, figure, _ in told}
