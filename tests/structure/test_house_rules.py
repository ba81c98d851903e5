"""The house rules that a machine can keep."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "questlog",
    "dags",
    "ingestion",
    "expectations",
    "ml",
    "activation",
    "warehouse",
)
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_MODEL = 400, 60, 120
FORBIDDEN_NAMES = {"utils", "helpers", "manager", "common", "misc"}


def modules() -> list[Path]:
    return [path for name in PACKAGES for path in (REPOSITORY / name).rglob("*.py")]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_the_rules_look_at_the_whole_house() -> None:
    assert len(modules()) > 50


def test_no_file_is_longer_than_can_be_read_in_one_sitting() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in modules()}

    assert {p: n for p, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        (path.name, name, lines)
        for path in modules()
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION
    ]

    assert long == []


def test_no_model_is_longer_than_its_budget() -> None:
    models = list((REPOSITORY / "dbt_project" / "models").rglob("*.sql"))

    assert models
    assert [
        m.name for m in models if len(m.read_text().splitlines()) > LONGEST_MODEL
    ] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in modules() if path.stem in FORBIDDEN_NAMES] == []


def test_only_the_floor_imports_the_clickhouse_driver() -> None:
    importing = {
        path.relative_to(REPOSITORY).as_posix()
        for path in modules()
        if any(
            "clickhouse_connect" in ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
    }
    outside = {path for path in importing if not path.startswith("warehouse/")}

    # the type of a client may be named anywhere; the driver is used in one place
    assert {path for path in outside if uses_the_driver(REPOSITORY / path)} == set()
    assert "warehouse/clickhouse.py" in importing


def uses_the_driver(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    return any(
        "clickhouse_connect" in ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in guarded
    )


def commands() -> Iterator[tuple[str, str]]:
    from questlog.__main__ import app

    waiting = [("questlog", typer.main.get_command(app))]
    while waiting:
        name, command = waiting.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command.help or ""
        else:
            waiting += [(f"{name} {word}", found) for word, found in inner.items()]


@pytest.mark.parametrize(("name", "help_text"), list(commands()))
def test_every_command_shows_an_example(name: str, help_text: str) -> None:
    assert f"Example: {name}" in help_text


def test_the_command_starts_without_loading_heavy_parts() -> None:
    heavy = "airflow chdb dbt great_expectations lightgbm pandas sklearn scipy google"
    look = (
        "import sys, questlog.__main__;"
        f"print([m for m in {heavy.split()!r} if m in sys.modules])"
    )

    loaded = subprocess.check_output([sys.executable, "-c", look], text=True)

    assert loaded.strip() == "[]"
