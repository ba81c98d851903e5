"""Our own audiences name what there is."""

import csv

from activation.definitions import load_definitions
from activation.sources import Mart, Segment
from ml.segments.definitions import load as load_segments
from warehouse.settings import REPOSITORY

OURS = load_definitions(country="DE").custom


def test_segments_of_the_rfm_report_are_those_of_its_seed() -> None:
    with (REPOSITORY / "dbt_project/seeds/rfm_segments.csv").open() as seed:
        known = {row["segment"] for row in csv.DictReader(seed)}
    named = {
        condition.value
        for one in OURS
        if isinstance(one.source, Mart) and one.source.mart == "dim_rfm"
        for condition in one.source.where
        if condition.column == "segment"
    }

    assert named
    assert named <= known


def test_defined_segments_are_those_with_a_file() -> None:
    named = {
        one.source.segment
        for one in OURS
        if isinstance(one.source, Segment) and one.source.method == "defined"
    }

    assert named
    assert named <= {one.name for one in load_segments()}
