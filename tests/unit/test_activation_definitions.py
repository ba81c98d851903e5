"""Audiences as data: what is read, and what is wrong with a file."""

from pathlib import Path

import pytest
import yaml

from activation.definitions import Criteria, load_definitions
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

    assert {one.name: one.criteria for one in ours.custom} == {
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
        "worst.yml: members.source: expected lifetime_value or churn",
        "worst.yml: members.top_share: expected a number",
        "worst.yml: members.scores_at_most_days_old: missing",
    ]
    assert [fault for fault in expected if fault not in told] == []
