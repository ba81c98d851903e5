"""Every metric and question has its reasons, and metrics name what their mart has."""

import re
from typing import Any

import pytest
import yaml

from warehouse.generators.metrics_page import SOURCE
from warehouse.questions.registry import KINDS
from warehouse.settings import REPOSITORY

DESCRIBED = yaml.safe_load((REPOSITORY / SOURCE).read_text())
FUNCTIONS = {"if", "null", "nullIf"}


def headings() -> list[str]:
    text = (REPOSITORY / "DECISIONS.md").read_text()
    return re.findall(r"^### .*", text, re.MULTILINE)


def columns() -> dict[str, set[str]]:
    return {
        model["name"]: {column["name"] for column in model.get("columns", [])}
        for path in (REPOSITORY / "dbt_project/models/marts").rglob("*__models.yml")
        for model in yaml.safe_load(path.read_text())["models"]
    }


def words(expression: str) -> set[str]:
    bare = re.sub(r"'[^']*'", "", expression)
    return set(re.findall(r"[A-Za-z_]\w*", bare)) - FUNCTIONS


@pytest.mark.parametrize("metric", DESCRIBED["metrics"], ids=lambda one: one["name"])
def test_a_metric_has_words_a_group_and_an_entry_in_decisions(
    metric: dict[str, Any],
) -> None:
    assert metric["label"]
    assert metric["description"]
    assert metric["config"]["group"] == "product_analytics"
    assert [one for one in headings() if f"`{metric['name']}`" in one]


@pytest.mark.parametrize(
    "model", DESCRIBED["semantic_models"], ids=lambda one: one["name"]
)
def test_what_is_measured_is_a_column_of_the_mart(model: dict[str, Any]) -> None:
    mart = model["model"].removeprefix("ref('").removesuffix("')")
    named = [
        one.get("expr", one["name"])
        for part in ("entities", "dimensions", "measures")
        for one in model.get(part, [])
    ]

    assert set().union(*map(words, named)) <= columns()[mart]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_of_question_has_an_entry_in_decisions(kind: str) -> None:
    assert [one for one in headings() if f"`{kind}`" in one]
