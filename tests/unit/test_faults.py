"""The kinds of fault of the benchmark: listed, many, and harmless to what is clean."""

import copy
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import keep_rows
from bench._fault_worlds import Month, month, spoiled
from bench._faults import Fault
from bench._outcomes import Found, Outcome, figures
from bench.faults import FAULTS
from warehouse.settings import REPOSITORY

OF_SENDERS = [fault for fault in FAULTS if fault.spoil]


@pytest.fixture(scope="module")
def clean() -> Month:
    return month(people=400, days=28, seed=3)


def test_every_kind_is_listed_with_its_magnitude_and_what_became_of_it() -> None:
    page = (REPOSITORY / "docs" / "faults.md").read_text().splitlines()

    listed = [
        line.split("`")[1] for line in page if line.count(" | ") == 5 and "`" in line
    ]
    assert listed == [fault.name for fault in FAULTS]
    for fault in FAULTS:
        (line,) = (line for line in page if f"| `{fault.name}` |" in line)
        assert f"| {fault.magnitude} | {fault.severity} |" in line


def test_a_run_in_part_keeps_what_others_found(tmp_path: Path) -> None:
    file = tmp_path / "faults.jsonl"
    keep_rows(file, [{"name": "a", "days": 1}, {"name": "b", "days": 2}], part=False)

    keep_rows(file, [{"name": "b", "days": 3}, {"name": "c", "days": 4}], part=True)

    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["name"], row["days"]) for row in kept] == [
        ("a", 1),
        ("b", 3),
        ("c", 4),
    ]


def test_a_run_that_was_ended_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLOG_BENCH_RESUMED", str(tmp_path / "found.jsonl"))
    seen, unseen, failed = FAULTS[:3]
    before = Found.of_environment(FAULTS)
    before.note_month(31, 2)
    before.note_outcome(Outcome(seen, frozenset({"a rule"}), closed=True, days=3))
    before.note_outcome(Outcome(unseen, frozenset(), closed=False, days=1))
    before.note_outcome(
        Outcome(failed, frozenset(), closed=False, days=1, trouble="an engine died")
    )

    after = Found.of_environment(FAULTS)

    assert after.months == {31: 2}
    assert after.outcomes == {
        seen.name: before.outcomes[seen.name],
        unseen.name: before.outcomes[unseen.name],
    }


def test_what_other_rules_found_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLOG_BENCH_RESUMED", str(tmp_path / "found.jsonl"))
    replace(Found.of_environment(FAULTS), rules="others").note_month(31, 2)

    assert Found.of_environment(FAULTS).months == {}


def test_a_fault_that_could_not_be_tried_counts_as_unseen() -> None:
    grave = next(fault for fault in FAULTS if fault.severity == "stop")
    closed = Outcome(grave, frozenset({"a rule"}), closed=True, days=2)
    failed = Outcome(grave, frozenset(), closed=False, days=1, trouble="a crash")

    found = figures([closed, failed], alarms=[0, 3])

    assert found["stopped_share"] == found["detected_share"] == 0.5
    assert found["false_alarms_per_month"] == 1.5


def test_there_are_many_kinds_in_every_layer() -> None:
    layers = Counter(fault.layer for fault in FAULTS)

    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40
    assert set(layers) == {
        *("raw", "marts", "features", "churn", "lifetime_value", "audiences")
    }
    assert min(layers.values()) >= 3


@pytest.mark.parametrize("fault", OF_SENDERS, ids=lambda fault: fault.name)
def test_a_fault_of_senders_changes_the_tail_alone_and_the_same_each_time(
    clean: Month, fault: Fault
) -> None:
    kept = copy.deepcopy(clean.tail)

    once, twice = spoiled(fault, clean), spoiled(fault, clean)

    assert once != kept
    assert clean.tail == kept
    assert once == twice
