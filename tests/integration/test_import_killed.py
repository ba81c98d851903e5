"""`questlog import` and its engine killed in the middle: each row once all the same."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench._engine import Engine
from bench._rolls import written
from bench.import_ import Outcome, killed_and_resumed, tell

ROWS = 20_000

# the command itself, with blocks so small that a kill finds one under way
_QUESTLOG = """
import ingestion.imports
from questlog.__main__ import main
ingestion.imports.LINES_A_BLOCK = 500
main()
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("killed") / "home") as engine:
        tell(engine, ROWS)
        yield engine


# one form in the quick lane: the readers differ, what resumes them is the same
@pytest.mark.parametrize(
    "form",
    [
        pytest.param("jsonl", marks=pytest.mark.slow),
        pytest.param("csv", marks=pytest.mark.slow),
        "parquet",
    ],
)
def test_an_import_killed_with_its_engine_loses_and_doubles_nothing(
    engine: Engine, tmp_path: Path, form: str
) -> None:
    file = written(tmp_path, form, ROWS)

    outcome = killed_and_resumed(
        engine, file, seed=7, questlog=[sys.executable, "-c", _QUESTLOG]
    )

    assert outcome == Outcome(kills=3, lost=0, doubled=0, unexplained=0, added=0)
