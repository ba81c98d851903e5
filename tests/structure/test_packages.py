"""The ten packages the house stands on are on the path the demo's DAGs take.

That they really ran is asserted where they run: of Airflow in tests/dags, of the
others in tests/end_to_end.
"""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from questlog.demo.play import DAGS
from warehouse.transformation import PROJECT

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = ("dags", "expectations", "ml", "activation", "warehouse")
IMPORTED_AS = {
    "apache-airflow": "airflow",
    "clickhouse-connect": "clickhouse_connect",
    "great-expectations": "great_expectations",
    "pandas": "pandas",
    "scikit-learn": "sklearn",
    "lightgbm": "lightgbm",
    "facebook-business": "facebook_business",
    "google-ads": "google.ads.googleads",
}
RUN_BY_COSMOS = ("dbt-core", "dbt-clickhouse")


@cache
def source_of(module: str) -> ast.Module | None:
    """The tree of one of our modules; None for anything else."""
    if module.partition(".")[0] not in OURS:
        return None
    path = REPOSITORY / module.replace(".", "/")
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return ast.parse(file.read_text("utf-8"))
    return None


def imported(tree: ast.AST) -> Iterator[str]:
    """Names imported when the code runs: what only the type checker sees is not."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return
    if isinstance(tree, ast.Import):
        yield from (name.name for name in tree.names)
    if isinstance(tree, ast.ImportFrom) and tree.module:
        yield tree.module
        yield from (f"{tree.module}.{name.name}" for name in tree.names)
    for child in ast.iter_child_nodes(tree):
        yield from imported(child)


@cache
def reached() -> dict[str, set[str]]:
    """Every import of the modules that the demo's DAGs lead to, with who imports it."""
    waiting, seen = [f"dags.{dag}" for dag in DAGS], set[str]()
    found: dict[str, set[str]] = {}
    while waiting:
        module = waiting.pop()
        tree = source_of(module)
        if tree is None or module in seen:
            continue
        seen.add(module)
        for name in imported(tree):
            found.setdefault(name, set()).add(module)
            waiting.append(name)
        waiting += by_folder(module)
    return found


def by_folder(module: str) -> list[str]:
    """What a module imports by looking into its folder, not by name."""
    if module != "activation.destinations.kinds":
        return []
    folder = REPOSITORY / "activation" / "destinations"
    return [f"activation.destinations.{path.stem}" for path in folder.glob("*.py")]


@pytest.mark.parametrize("package", IMPORTED_AS)
def test_a_package_is_imported_by_a_module_that_the_demos_dags_lead_to(
    package: str,
) -> None:
    name = IMPORTED_AS[package]

    by = {
        module
        for found, modules in reached().items()
        if found == name or found.startswith(f"{name}.")
        for module in modules
    }

    assert by, f"no module on the path of {DAGS} imports {name}"


def test_dbt_runs_in_the_dags_by_cosmos_with_the_clickhouse_adapter() -> None:
    profiles = yaml.safe_load((PROJECT / "profiles.yml").read_text())

    assert "dags.layers" in reached()["cosmos.operators.local.DbtBuildLocalOperator"]
    assert profiles["questlog"]["outputs"]["warehouse"]["type"] == "clickhouse"


def test_the_packages_are_dependencies_of_the_house() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    declared = {line.partition(">")[0] for line in project["dependencies"]}

    assert {*IMPORTED_AS, *RUN_BY_COSMOS} <= declared


def test_an_import_for_the_type_checker_alone_does_not_count() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import pandas\nimport numpy\n")

    assert list(imported(tree)) == ["numpy"]
