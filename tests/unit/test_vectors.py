"""Our normal forms held against a file of vectors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from activation.vectors import differences
from questlog.__main__ import app
from warehouse.errors import BadInput

GOOD = {"key": "FN", "in": "Mary", "norm": "mary"}


def test_what_agrees_is_counted_and_what_differs_is_told() -> None:
    wrong = GOOD | {"norm": "Mary", "sha256": "0" * 64}

    held, found = differences({"meta": [GOOD, wrong]})

    assert held == 2
    assert found[0]["norm"] == "mary"
    assert set(found[0]) == {"platform", "key", "expected", "norm", "sha256"}


@pytest.mark.parametrize(
    "vectors", [[], {"tiktok": [GOOD]}, {"meta": [GOOD | {"key": "SHOE"}]}]
)
def test_a_file_of_another_shape_is_refused(vectors: object) -> None:
    with pytest.raises(BadInput):
        differences(vectors)


def test_the_command_fails_where_one_differs(tmp_path: Path) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"meta": [GOOD | {"norm": "mary ann"}]}))

    told = CliRunner().invoke(app, ["ads", "vectors", str(path)])

    assert told.exit_code == 1
    assert "0 of 1 vectors agree" in told.output
