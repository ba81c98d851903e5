"""The pages lead somewhere: no dead link, no runbook that nobody finds."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
PAGES = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    return [link for link in found if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_the_index_of_the_documentation_names_every_page() -> None:
    index = REPOSITORY / "docs" / "README.md"
    pages = {path.name for path in index.parent.glob("*.md")} - {"README.md"}

    assert pages <= set(links(index))


def test_the_index_of_the_runbooks_names_every_runbook() -> None:
    runbooks = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}

    assert len(runbooks) >= 10
    assert runbooks <= set(links(RUNBOOKS / "README.md"))


def test_every_runbook_that_a_dag_names_is_there() -> None:
    named = {
        name
        for dag in (REPOSITORY / "dags").glob("*.py")
        for name in re.findall(r"docs/runbooks/[\w-]+\.md", dag.read_text())
    }

    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize(
    ("runbook", "module", "message"),
    [
        (
            "port-taken.md",
            "ingestion/listening.py",
            "The ingest service cannot listen on",
        ),
        (
            "endpoint-down.md",
            "questlog/stack/local.py",
            "ended by itself, so the stack",
        ),
        ("disk-full.md", "ingestion/app.py", "Events cannot be kept right now"),
        ("loader-behind.md", "warehouse/clickhouse.py", "No ClickHouse answers at"),
        (
            "vault-key.md",
            "warehouse/vault/rings.py",
            "The master key does not open the vault",
        ),
        ("vault-key.md", "warehouse/vault/keys.py", "has lost its master key"),
        ("write-key-refused.md", "ingestion/app.py", "No valid write key"),
        ("taxonomy-faults.md", "questlog/commands/configuration.py", "Stale; run"),
        ("audience-not-sent.md", "activation/troubles.py", "was revoked"),
    ],
)
def test_a_runbook_quotes_what_the_code_says(
    runbook: str, module: str, message: str
) -> None:
    assert message in (RUNBOOKS / runbook).read_text()
    assert message in (REPOSITORY / module).read_text()


def test_no_page_names_a_command_that_is_not_there() -> None:
    text = "\n".join(page.read_text() for page in PAGES)
    named = set(
        re.findall(r"^\$ (?:\.venv/bin/)?questlog ([a-z-]+)", text, re.MULTILINE)
    )
    said = subprocess.run(
        [sys.executable, "-m", "questlog", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert [word for word in named if not re.search(rf"│ {word} ", said)] == []
