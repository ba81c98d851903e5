"""An exposure says what its reader reads, no more and no less."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "dbt_project" / "models"
READING = ("activation", "dags", "expectations", "ingestion", "ml", "questlog")
NAMES_NO_READER = {
    # show names in the examples of commands
    "questlog/commands/lineage.py",
    "questlog/commands/transformation.py",
}


def exposures() -> list[dict[str, Any]]:
    return [
        exposure
        for path in (MODELS / "_groups.yml", MODELS / "_exposures.yml")
        for exposure in yaml.safe_load(path.read_text())["exposures"]
    ]


def with_code() -> list[dict[str, Any]]:
    return [one for one in exposures() if "meta" in one.get("config", {})]


def models() -> dict[str, Path]:
    return {path.stem: path.relative_to(MODELS) for path in MODELS.rglob("*.sql")}


def files(place: str) -> set[Path]:
    path = REPOSITORY / place
    return {path} if path.is_file() else set(path.rglob("*.py"))


def read_by(paths: set[Path]) -> set[str]:
    words = {
        word
        for path in paths
        for word in re.findall(r"\b(?:stg|int|fct|dim|feat)_\w+", path.read_text())
    }
    return words & models().keys()


def depends_on(exposure: dict[str, Any]) -> set[str]:
    return set(re.findall(r"ref\('(\w+)'\)", " ".join(exposure["depends_on"])))


@pytest.mark.parametrize("exposure", with_code(), ids=lambda one: one["name"])
def test_an_exposure_depends_on_what_its_code_names(exposure: dict[str, Any]) -> None:
    code = {
        path for place in exposure["config"]["meta"]["code"] for path in files(place)
    }

    assert code
    assert depends_on(exposure) == read_by(code)


def test_every_reader_is_exposed() -> None:
    exposed = {
        path
        for exposure in with_code()
        for place in exposure["config"]["meta"]["code"]
        for path in files(place)
    }
    readers = {path for place in READING for path in files(place) if read_by({path})}
    unknown = {one.relative_to(REPOSITORY).as_posix() for one in readers - exposed}

    assert readers
    assert unknown <= NAMES_NO_READER


def test_readers_outside_read_only_what_is_published() -> None:
    published = {
        name
        for name, path in models().items()
        if path.parts[0] in {"marts", "features"}
    }
    unpublished = {
        (exposure["name"], name)
        for exposure in exposures()
        if "inside" not in exposure.get("config", {}).get("meta", {})
        for name in depends_on(exposure)
        if name not in published
    }

    assert unpublished == set()


def test_the_dashboards_show_every_mart() -> None:
    dashboards = next(one for one in exposures() if one["name"] == "dashboards")
    marts = {name for name, path in models().items() if path.parts[0] == "marts"}

    assert marts == depends_on(dashboards)
