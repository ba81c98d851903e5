"""The commands of the taxonomy and the settings, as a person types them."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from questlog.__main__ import app
from questlog.commands.configuration import refresh
from warehouse.errors import BadTaxonomy
from warehouse.generators import from_everything
from warehouse.settings import table
from warehouse.taxonomy import TAXONOMY, load


def run(*words: str, **environ: str) -> tuple[int, str]:
    result = CliRunner(env=environ).invoke(app, list(words), catch_exceptions=False)
    return result.exit_code, result.output


def test_check_counts_what_it_found() -> None:
    assert run("taxonomy", "check") == (0, "28 events in 9 domains, no faults\n")


def test_check_reads_the_names_of_dialects_and_webhooks_too(tmp_path: Path) -> None:
    folder = tmp_path / "taxonomy"
    shutil.copytree(TAXONOMY, folder)
    (folder / "dialects" / "segment.yml").write_text("events: {A: no_such_event}\n")

    with pytest.raises(BadTaxonomy, match=r"segment\.yml:1: events\.A\.event_name"):
        run("taxonomy", "check", "--folder", str(folder))


def test_check_ends_with_all_faults(tmp_path: Path) -> None:
    with pytest.raises(BadTaxonomy, match="The taxonomy has 4 faults"):
        run("taxonomy", "check", "--folder", str(tmp_path))


def test_lint_has_nothing_to_say_about_our_own_taxonomy() -> None:
    assert run("taxonomy", "lint") == (0, "Nothing to advise\n")


def test_generated_files_are_up_to_date() -> None:
    assert run("generate", "--check")[0] == 0
    assert run("taxonomy", "generate", "--check")[0] == 0


def test_a_stale_file_is_named_and_the_exit_code_is_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = from_everything(load()) | {"docs/never-written.md": "text\n"}

    with pytest.raises(typer.Exit) as ended:
        refresh(files, check=True, command="questlog generate")

    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == (
        "Stale; run `questlog generate` and commit:\n  docs/never-written.md\n"
    )


def test_settings_are_listed_as_json_with_secrets_hidden() -> None:
    code, out = run("settings", "--json", META_ACCESS_TOKEN="hunter2")

    rows = json.loads(out)
    assert code == 0
    assert [row["name"] for row in rows] == [row.metadata["name"] for row in table()]
    assert "hunter2" not in out


def test_settings_are_shown_as_a_table() -> None:
    code, out = run("settings", META_ACCESS_TOKEN="hunter2", COLUMNS="200")

    assert code == 0
    assert "REPORTING_CURRENCY" in out
    assert "(hidden)" in out
    assert "hunter2" not in out
