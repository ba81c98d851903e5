"""`questlog taxonomy diff`, as a person types it."""

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from questlog.__main__ import app
from warehouse.errors import BadInput
from warehouse.taxonomy import TAXONOMY, load
from warehouse.taxonomy.revisions import released


def run(*words: str) -> tuple[int, str]:
    given = ["taxonomy", "diff", *words, "--as-of", "2026-11-22"]
    result = CliRunner().invoke(app, given, catch_exceptions=False)
    return result.exit_code, result.output


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of our taxonomy, to be changed."""
    folder = tmp_path / "taxonomy"
    shutil.copytree(TAXONOMY, folder, ignore=shutil.ignore_patterns("generated"))
    return folder


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "events" / "support.yml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_no_change_is_said_so() -> None:
    assert run(str(TAXONOMY)) == (0, "Nothing changed\n")


def test_an_additive_change_is_told_with_the_version_to_declare(edited: Path) -> None:
    edit(edited, "safety, other", "safety, rules, other")

    code, out = run(str(TAXONOMY), "--folder", str(edited))

    assert code == 0
    assert out.splitlines() == [
        "additive support_ticket_opened.topic: enum gained rules",
        "1 change, additive; 0 refused",
        "version  support_ticket_opened 1.0 -> 1.1; write 1.1 in its `versions`",
    ]


def test_a_change_that_breaks_history_exits_with_1_and_says_what_to_do(
    edited: Path,
) -> None:
    edit(edited, "safety, other", "safety")

    code, out = run(str(TAXONOMY), "--folder", str(edited))

    assert code == 1
    assert "REFUSED  support_ticket_opened.topic: enum lost other\n" in out
    assert "instead: leave it as wide as it was" in out


def test_a_program_reads_it_as_json(edited: Path) -> None:
    edit(edited, "max: 5", "max: 10")

    code, out = run(str(TAXONOMY), "--folder", str(edited), "--json")

    told = json.loads(out)
    assert code == 0
    assert told["bump"] == "additive"
    assert told["versions"] == {"support_ticket_closed": ["1.0", "1.1"]}
    assert told["changes"][0]["at"] == "support_ticket_closed.satisfaction"


def test_a_taxonomy_is_read_as_it_was_at_a_revision(edited: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(
            ["git", "-C", str(edited.parent), *who, *words],
            check=True,
            capture_output=True,
        )

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "taxonomy", "--date", "2026-01-01T00:00:00Z")
    edit(edited, "max: 5", "max: 10")

    found = released("main", edited.parent)

    assert found.taxonomy == load(TAXONOMY)
    assert isinstance(found.on, date)
    with pytest.raises(BadInput, match="neither a folder"):
        released("--output=x", edited.parent)
    with pytest.raises(BadInput, match="neither a folder"):
        released("never", edited.parent)
