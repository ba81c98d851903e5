"""Whoever reads the docs site finds words beside every model and column."""

from pathlib import Path
from typing import Any

import pytest
import yaml

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models"
DESCRIBED = {
    model["name"]: model
    for path in MODELS.rglob("*__models.yml")
    for model in yaml.safe_load(path.read_text())["models"]
}


def test_every_model_is_described() -> None:
    models = {path.stem for path in MODELS.rglob("*.sql")}

    assert models
    assert models == DESCRIBED.keys()


@pytest.mark.parametrize("model", DESCRIBED.values(), ids=lambda one: one["name"])
def test_a_model_and_its_columns_have_words(model: dict[str, Any]) -> None:
    columns = model.get("columns", [])

    assert model["description"].strip()
    assert columns
    assert [one["name"] for one in columns if not one.get("description")] == []


def test_every_model_begins_with_what_one_row_is() -> None:
    first = {p.stem: p.read_text().splitlines()[0] for p in MODELS.rglob("*.sql")}

    assert [name for name in first if not first[name].startswith("{# One row")] == []
