"""No statement goes past the cluster: each place where one could is looked at."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pytest
import yaml

from tests.structure.test_house_rules import modules
from warehouse.clusters import REPLICATED
from warehouse.settings import REPOSITORY
from warehouse.transformation import PROJECT

DEFINES = re.compile(
    r"\s*(create|drop(?!\s+partition)|exchange|rename|attach|detach|undrop|optimize|system|grant"
    r"|alter\s+table\s+\S+\s+(add|drop|modify|rename|comment)\s+column)\b",
    re.IGNORECASE,
)
ON_ONE_SERVER = {
    # beside it stands the way of a cluster
    ("publishing.py", "create or replace table {} clone as {}"),
}
MACROS = PROJECT / "macros"
QUESTLOG = ("warehouse", "ingestion", "expectations", "ml", "activation", "questlog")


def sent(path: Path) -> Iterator[str]:
    """Statements that a module sends without `define`, as far as they are written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"command", "query", "raw_query"}
            and node.args
        ):
            yield written(node.args[0])


def written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else "{}" for v in node.values]
        return re.sub(r"(\{\}[.{}]*)+", "{}", "".join(map(str, parts)))
    return ""


def test_python_defines_tables_through_the_cluster_alone() -> None:
    past = {
        (path.name, statement)
        for path in modules()
        # the embedded engine is one server
        if "embedded" not in path.parts
        for statement in sent(path)
        if DEFINES.match(statement)
    }

    assert past == ON_ONE_SERVER


def test_sql_of_ours_defines_no_table_and_names_no_engine() -> None:
    found = {}
    for path in PROJECT.rglob("*.sql"):
        text = re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text(), flags=re.DOTALL)
        lines = [line for line in text.splitlines() if DEFINES.match(line)]
        lines += re.findall(r"\bengine\s*=(?!\s*\{\{)", text)
        if lines:
            found[path.name] = lines

    assert found == {}


def test_configuration_names_no_engine() -> None:
    for path in [*PROJECT.rglob("*.yml")]:
        assert re.findall(r"\+?\bengine:", path.read_text()) == []


@dataclass(frozen=True)
class Config:
    """What dbt gives a macro to ask a model's configuration by."""

    engine: str | None

    def get(self, name: str, default: str) -> str:
        assert name == "engine"
        return self.engine or default


def engine_clause(source: str, environment: dict[str, str], engine: str | None) -> str:
    """What a file of macros makes of a model's engine."""
    loaded = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(  # noqa: S701  SQL
        source,
        globals={
            "env_var": environment.get,
            "config": Config(engine),
        },
    )
    rendered: str = loaded.module.engine_clause()  # type: ignore[attr-defined]
    return rendered


@pytest.mark.parametrize("engine", [None, "MergeTree()", "ReplacingMergeTree(x)"])
def test_without_a_cluster_dbt_is_told_the_engine_as_ever(engine: str | None) -> None:
    import dbt.include.clickhouse as adapter

    theirs = Path(adapter.__path__[0]) / "macros" / "materializations" / "table.sql"
    start = theirs.read_text().partition("{% macro engine_clause() %}")
    clause = f"{start[1]}{start[2].partition('endmacro -%}')[0]}endmacro -%}}"

    ours = engine_clause((MACROS / "clusters.sql").read_text(), {}, engine)
    assert ours == engine_clause(clause, {}, engine)


@pytest.mark.parametrize(
    ("environment", "cluster", "settings"),
    [
        ({}, "", "{}"),
        ({"CLICKHOUSE_CLUSTER": "three"}, "three", "{'deduplicate_insert': 'disable'}"),
    ],
)
def test_dbt_names_a_cluster_only_where_there_is_one(
    environment: dict[str, str], cluster: str, settings: str
) -> None:
    profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text())
    said = profiles["questlog"]["outputs"]["warehouse"]
    jinja = jinja2.Environment(autoescape=False)  # noqa: S701  YAML, no page
    jinja.filters["as_native"] = str
    rendered = [
        jinja.from_string(said[name]).render(env_var=environment.get)
        for name in ("cluster", "custom_settings")
    ]

    assert rendered == [cluster, settings]


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("MergeTree()", "ReplicatedMergeTree({})"),
        ("MergeTree", "ReplicatedMergeTree({})"),
        ("ReplacingMergeTree(x)", "ReplicatedReplacingMergeTree({}, x)"),
    ],
)
def test_on_a_cluster_dbt_and_python_put_tables_in_one_place(
    engine: str, said: str
) -> None:
    cluster = {"CLICKHOUSE_CLUSTER": "three"}
    clause = engine_clause((MACROS / "clusters.sql").read_text(), cluster, engine)

    bare = re.sub(r"\s+", " ", clause).replace("( ", "(").replace(" )", ")").strip()
    assert bare == f"engine = {said.format(', '.join(REPLICATED))}"


def test_every_room_is_looked_at() -> None:
    rooms = {path.relative_to(REPOSITORY).parts[0] for path in modules()}

    assert rooms >= set(QUESTLOG)
