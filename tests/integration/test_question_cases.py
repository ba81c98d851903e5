"""Other products' published answers, through `questlog case run`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from questlog.cases.folder import read
from questlog.cases.run import run
from questlog.cases.scratch import Scratch, scratch
from warehouse.questions.registry import KINDS
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))


def _folders() -> list[Path]:
    asked = sorted(path.parent for path in CASES.glob("*/params.json"))
    return [folder for folder in asked if read(folder).kind in KINDS]


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Scratch]:
    """One scratch warehouse for all cases."""
    with scratch() as running:
        yield running


@pytest.mark.skipif(not CASES.exists(), reason=f"cases are not at {CASES}")
@pytest.mark.parametrize("folder", _folders(), ids=lambda folder: folder.name)
def test_a_case_answers_as_published(warehouse: Scratch, folder: Path) -> None:
    [outcome] = run([read(folder)], warehouse, now=lambda: datetime.now(UTC))

    assert outcome.comparison is not None
    assert outcome.comparison.compared
    assert not outcome.comparison.differences
