"""docs/metrics.md: what each metric is, how it is counted and from which mart."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from warehouse.generators.note import note
from warehouse.settings import REPOSITORY

SOURCE = "dbt_project/models/marts/_metrics.yml"
_INTRODUCTION = """
# Metrics

One definition of each figure over published marts, in dbt's semantic layer. Why each
is so and what was rejected is in [DECISIONS](../DECISIONS.md); what the words mean is
in [the glossary](glossary.md). The dbt docs (`make docs`) show each metric beside its
mart.

dbt checks the definitions, and a test answers each of them. MetricFlow, dbt's program
that asks them, has no dialect for ClickHouse, so `mf query` does not run here: ask as
the last column says, where `time` is the mart's day, or use `questlog ask`
([questions](questions.md)).

Money is in minor units of the reporting currency; days are those of the reporting time
zone. How the marts hang together is in [the map of marts](marts.md).
"""
_AGGREGATIONS = {
    "average": "avg({0})",
    "count": "count({0})",
    "count_distinct": "count(distinct {0})",
    "sum": "sum({0})",
}


def metrics_page(root: Path = REPOSITORY) -> str:
    """The metrics as a Markdown page, in the order of their file."""
    described = yaml.safe_load((root / SOURCE).read_text(encoding="utf-8"))
    head = ["| metric | is | mart | time | counted as |", "|---|---|---|---|---|"]
    rows = [_row(described, metric) for metric in described["metrics"]]
    first = f"<!-- {note(SOURCE)} -->"
    return "\n".join([first, "", _INTRODUCTION.strip(), "", *head, *rows, ""])


def statement(described: Mapping[str, Any], name: str) -> str:
    """The ClickHouse expression of a simple metric over its mart's rows.

    Of a ratio or a derived metric, the names of other metrics in arithmetic. Raises
    KeyError naming a metric, measure or aggregation that does not exist.
    """
    metric = _metrics(described)[name]
    params = metric["type_params"]
    if metric["type"] == "simple":
        measure = _measure(described, params["measure"])[1]
        return _AGGREGATIONS[measure["agg"]].format(measure["expr"])
    if metric["type"] == "ratio":
        return f"{params['numerator']} / nullIf({params['denominator']}, 0)"
    return str(params["expr"])


def mart_of(described: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The mart and its day column behind a simple metric; empty for others."""
    metric = _metrics(described)[name]
    if metric["type"] != "simple":
        return "", ""
    model = _measure(described, metric["type_params"]["measure"])[0]
    day = model["defaults"]["agg_time_dimension"]
    column = next(one for one in model["dimensions"] if one["name"] == day)
    return _table(model), column.get("expr", day)


def _metrics(described: Mapping[str, Any]) -> dict[str, Any]:
    return {metric["name"]: metric for metric in described["metrics"]}


def _measure(described: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    found = {
        measure["name"]: (model, measure)
        for model in described["semantic_models"]
        for measure in model["measures"]
    }
    return found[name]


def _table(model: Mapping[str, Any]) -> str:
    return re.sub(r"ref\('(\w+)'\)", r"marts.\1", model["model"])


def _row(described: Mapping[str, Any], metric: Mapping[str, Any]) -> str:
    name = metric["name"]
    mart, day = mart_of(described, name)
    meaning = " ".join(metric["description"].split())
    cells = [f"`{name}`", f"{metric['label']}. {meaning}"]
    cells += [f"`{cell}`" if cell else "" for cell in (mart, day)]
    return "| " + " | ".join([*cells, f"`{statement(described, name)}`"]) + " |"
