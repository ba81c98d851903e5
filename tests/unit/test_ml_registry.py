"""Models on disk: in text, found by an id that says what they were made of."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ml.registry import Card, Judgement, find, fingerprint, model_id, save
from warehouse.errors import BadInput

AS_OF = date(2026, 3, 1)


def an_id(**changed: Any) -> str:
    made_of: dict[str, Any] = {
        "kind": "churn",
        "estimator": "lightgbm",
        "as_of": AS_OF,
        "data_hash": "abc",
        "parameters": {"leaves": 7},
    }
    return model_id(**made_of | changed)


def a_card(**changed: Any) -> Card:
    judged: dict[str, Any] = {
        "model_id": an_id(),
        "kind": "churn",
        "estimator": "lightgbm",
        "as_of": AS_OF,
        "horizon_days": 28,
        "is_baseline": False,
        "is_chosen": True,
        "judged_from": date(2026, 2, 1),
        "metrics": {"auc": 0.8},
        "trained_rows": 10,
    }
    return Card(
        judgement=Judgement(**judged | changed),
        features=("tenure_days",),
        judged_after_training_on=(date(2026, 1, 4),),
        refitted_on=(date(2026, 1, 4), date(2026, 2, 1)),
        data_hash="abc",
        parameters={"leaves": 7},
        notes=("It won.",),
    )


def test_the_same_making_gives_the_same_id_and_another_gives_another() -> None:
    changes = [
        {"as_of": date(2026, 3, 2)},
        {"data_hash": "abd"},
        {"parameters": {"leaves": 8}},
        {"estimator": "recency_rule"},
    ]

    assert an_id() == an_id()
    assert an_id() not in {an_id(**change) for change in changes}


def test_a_fingerprint_sees_content_and_not_the_order_of_rows() -> None:
    people = pd.DataFrame({"person_id": ["ann", "bob"], "events": [1.0, 2.0]})

    assert fingerprint(people.iloc[::-1]) == fingerprint(people)
    assert fingerprint(people.assign(events=[1.0, 3.0])) != fingerprint(people)
    assert fingerprint(people.rename(columns={"events": "e"})) != fingerprint(people)


def test_what_was_saved_is_found(tmp_path: Path) -> None:
    folder = save(tmp_path, a_card(), {"model.txt": "trees"})

    kept = find(tmp_path, "churn", an_id(), AS_OF)

    assert folder == tmp_path / "churn" / an_id()
    assert (kept.estimator, kept.horizon_days) == ("lightgbm", 28)
    assert kept.files["model.txt"] == "trees"


def test_the_card_tells_data_versions_and_figures_and_a_person_can_read_it(
    tmp_path: Path,
) -> None:
    folder = save(tmp_path, a_card(), {})

    said = json.loads((folder / "card.json").read_text())
    page = (folder / "card.md").read_text()

    assert said["data_hash"] == "abc"
    assert said["versions"]["lightgbm"].startswith("4.")
    assert "| auc | 0.8 |" in page
    assert "It won." in page


def test_saving_again_replaces_the_folder_and_leaves_nothing_beside_it(
    tmp_path: Path,
) -> None:
    save(tmp_path, a_card(), {"old.txt": "gone"})

    folder = save(tmp_path, a_card(), {"new.txt": "here"})

    assert {path.name for path in folder.iterdir()} == {
        "new.txt",
        "card.json",
        "card.md",
    }
    assert [path.name for path in folder.parent.iterdir()] == [an_id()]


@pytest.mark.parametrize("name", ["churn-20260301-none-0", "../churn", "", "a/b-c"])
def test_an_id_of_no_model_is_refused_with_the_way_to_one(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(BadInput, match="questlog train churn"):
        find(tmp_path, "churn", name, AS_OF)


def test_a_model_that_has_seen_the_future_may_not_score_the_past(
    tmp_path: Path,
) -> None:
    save(tmp_path, a_card(), {})

    with pytest.raises(BadInput, match="would know the future"):
        find(tmp_path, "churn", an_id(), date(2026, 2, 28))
