"""Audiences as data: what is read, and what is wrong with a file."""

from pathlib import Path

import pytest
import yaml

from activation.definitions import load_definitions
from activation.sources import Cohort, Condition, Criteria, Mart, Segment
from warehouse.errors import BadInput

CUSTOM = {
    "kind": "custom",
    "owner": "growth",
    "meaning": "The best.",
    "minimum_size": 20,
    "members": {
        "source": "churn",
        "top_share": 0.2,
        "scores_at_most_days_old": 7,
    },
}
LOOKALIKE = {
    "kind": "lookalike",
    "owner": "growth",
    "meaning": "Like the best.",
    "of": "best",
    "ratio": 0.01,
    "minimum_seed": 100,
}


def a_folder(folder: Path, **files: object) -> Path:
    for name, document in files.items():
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        (folder / f"{name}.yml").write_text(text)
    return folder


def test_our_own_audiences_are_read() -> None:
    ours = load_definitions(country="DE")

    assert {one.name: one.source for one in ours.custom} == {
        "champions": Mart(
            mart="dim_rfm",
            where=(Condition(column="segment", operator="is", value="champion"),),
            value="monetary_minor",
        ),
        "expansion": Segment(segment="expansion", scores_at_most_days_old=7),
        "recent_payers": Mart(
            mart="dim_rfm",
            where=(Condition(column="recency_days", operator="at_most", value=28),),
        ),
        "value_seed": Criteria(
            source="lifetime_value",
            top_share=1,
            above=0,
            scores_at_most_days_old=7,
        ),
        "high_value": Criteria(
            source="lifetime_value",
            top_share=0.10,
            share_of="known_people",
            above=0,
            scores_at_most_days_old=7,
        ),
        "at_risk": Criteria(
            source="churn",
            top_share=0.20,
            must_have_paid=True,
            scores_at_most_days_old=7,
        ),
    }
    assert [(one.of, one.ratio, one.country) for one in ours.lookalikes] == [
        ("high_value", 0.01, "DE")
    ]


def test_a_lookalike_may_name_its_own_country(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, best=CUSTOM, like=LOOKALIKE | {"country": "FR"})

    assert load_definitions(folder, country="DE").lookalikes[0].country == "FR"


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    folder = a_folder(
        tmp_path,
        best=CUSTOM | {"minimum_size": 0, "colour": "red"},
        like=LOOKALIKE | {"of": "nobody", "ratio": 0.5},
        odd={"kind": "magic"},
        torn="kind: [",
        worst=CUSTOM | {"members": {"source": "moon", "top_share": True}},
    )

    with pytest.raises(BadInput) as caught:
        load_definitions(folder, country="DE")

    told = str(caught.value)
    expected = [
        "best.yml: minimum_size: expected a whole number",
        "best.yml: colour: unknown",
        "like.yml: ratio: expected a number from 0.01 to 0.2",
        "like.yml: of: 'nobody' is no custom audience",
        "odd.yml: kind: expected custom or lookalike",
        "torn.yml: no YAML at line",
        "worst.yml: members.source: expected lifetime_value or subscription_value or",
        "worst.yml: members.top_share: expected a number",
        "worst.yml: members.scores_at_most_days_old: missing",
    ]
    assert [fault for fault in expected if fault not in told] == []


def members_of(folder: Path, **members: object) -> object:
    a_folder(folder, best=CUSTOM | {"members": members})
    return load_definitions(folder, country="DE").custom[0].source


def test_a_saved_funnel_is_a_source_by_the_steps_reached(tmp_path: Path) -> None:
    source = members_of(
        tmp_path, source="cohort", question="activation", reached=2, not_reached=4
    )

    assert source == Cohort(question="activation", reached=2, not_reached=4)


def test_a_ranking_may_be_read_from_its_lowest_end(tmp_path: Path) -> None:
    source = members_of(
        tmp_path,
        source="health",
        top_share=0.1,
        lowest=True,
        scores_at_most_days_old=7,
    )

    assert isinstance(source, Criteria)
    assert source.lowest


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"cap": 0}, "cap: expected a whole number"),
        ({"expires": "soon"}, "expires: expected a day like 2026-06-30"),
        ({"most_leaving": 2}, "most_leaving: expected a number from 0 to 1"),
        ({"destinations": ["moon"]}, "destinations: 'moon' is none; there are meta"),
        ({"without": ["nobody"]}, "without: 'nobody' is no other custom audience"),
        (
            {"members": {"source": "cohort", "question": "x", "reached": 1}},
            "members.question: 'x' is no saved funnel; there are activation",
        ),
        (
            {"members": {"source": "cohort", "question": "activation", "reached": 9}},
            "members.reached: activation has 4 steps",
        ),
        (
            {"members": {"source": "mart", "mart": "dim_rfm", "where": {"a": 1}}},
            "members.where.a: expected an operator and a value",
        ),
        (
            {"members": {"source": "mart", "mart": "x", "where": {"a": {"like": 1}}}},
            "members.where.a.like: unknown; known are is",
        ),
        (
            {"members": {"source": "segment", "scores_at_most_days_old": 7}},
            "members.segment: missing",
        ),
    ],
)
def test_a_fault_names_file_key_and_what_is_expected(
    tmp_path: Path, changed: dict[str, object], fault: str
) -> None:
    a_folder(tmp_path, best=CUSTOM | changed)

    with pytest.raises(BadInput) as caught:
        load_definitions(tmp_path, country="DE", destinations=["meta"])

    assert f"best.yml: {fault}" in str(caught.value)
