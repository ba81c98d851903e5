"""Imports point down; siblings never meet."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def linted(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def empty_house(tmp_path: Path) -> Path:
    """Our packages without a line in them, under our own contract."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    rules = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    for package in rules["tool"]["importlinter"]["root_packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_imports_of_the_house_point_down() -> None:
    done = linted(REPOSITORY)

    assert done.returncode == 0, done.stdout


def test_a_house_without_imports_keeps_the_contract(empty_house: Path) -> None:
    assert linted(empty_house).returncode == 0


@pytest.mark.parametrize(
    ("importing", "imported"),
    [
        ("warehouse", "expectations"),
        ("expectations", "ml"),
        ("ingestion", "activation"),
        ("ml", "dags"),
        ("activation", "questlog"),
        ("dags", "questlog"),
    ],
)
def test_a_forbidden_import_is_seen(
    empty_house: Path, importing: str, imported: str
) -> None:
    (empty_house / importing / "reaching.py").write_text(f"import {imported}\n")

    done = linted(empty_house)

    assert done.returncode == 1
    assert f"{importing}.reaching -> {imported}" in done.stdout
