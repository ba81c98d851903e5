"""The SDKs' types: a wrong event does not pass the type checker."""

import subprocess
import sys
from pathlib import Path

from warehouse.generators.sdk_python import python_types
from warehouse.generators.sdk_typescript import typescript_types
from warehouse.settings import REPOSITORY
from warehouse.taxonomy import load

TAXONOMY = load()
USE = """\
from questlog_events import EVENT_VERSIONS, Track


def good(track: Track) -> str:
    track("rolled", {"dice": "1d20", "result": 17})
    track("class_leveled", {"character_id": "c", "class": "wizard", "level": 2})
    return EVENT_VERSIONS["rolled"]


def bad(track: Track) -> None:
    track("flew", {"dice": "1d20", "result": 17})
    track("rolled", {"dice": "1d20"})
    track("rolled", {"dice": "1d20", "result": "17"})
    track("support_ticket_opened", {"ticket_id": "t", "topic": "cats"})
"""


def test_python_types_are_strict_and_catch_wrong_events(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "use.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(REPOSITORY / "sdk" / "python"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    at_fault = {
        int(line.split(":")[1]) for line in done.stdout.splitlines() if "error:" in line
    }
    assert at_fault == {11, 12, 13, 14}, done.stdout


def test_python_types_can_be_imported() -> None:
    namespace: dict[str, object] = {}

    exec(python_types(TAXONOMY), namespace)  # noqa: S102  our own generated text

    versions = namespace["EVENT_VERSIONS"]
    assert isinstance(versions, dict)
    assert versions.keys() == TAXONOMY.events.keys()


def test_typescript_has_a_type_for_each_event_and_marks_what_is_optional() -> None:
    text = typescript_types(TAXONOMY)

    for name in TAXONOMY.events:
        assert f"  {name}: " in text
    assert "export interface SupportTicketClosed {" in text
    assert "  ticket_id: string;" in text
    assert (
        '  resolution?: "solved" | "declined" | "duplicate" | "abandoned" | null;'
        in text
    )
    assert "  satisfaction?: number | null;" in text
    assert text.count("{") == text.count("}")
