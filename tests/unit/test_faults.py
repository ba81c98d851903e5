"""The kinds of fault of the benchmark: listed, many, and harmless to what is clean."""

import copy
from collections import Counter

import pytest

from bench._fault_worlds import Month, month, spoiled
from bench._faults import Fault
from bench.faults import FAULTS
from warehouse.settings import REPOSITORY

OF_SENDERS = [fault for fault in FAULTS if fault.spoil]


@pytest.fixture(scope="module")
def clean() -> Month:
    return month(people=400, days=28, seed=3)


def test_every_kind_is_listed_with_its_magnitude() -> None:
    page = (REPOSITORY / "docs" / "faults.md").read_text().splitlines()

    for fault in FAULTS:
        (line,) = (line for line in page if f"| `{fault.name}` |" in line)
        assert line.endswith(f"| {fault.magnitude} | {fault.severity} |")


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
