"""docs/settings.md and .env.example, from the one table of settings."""

import shlex

from warehouse.generators.note import note
from warehouse.setting_values import default_of
from warehouse.settings import table

_SOURCE = "warehouse/settings.py"
_INTRODUCTION = """
# Settings

Questlog reads these environment variables once, when a process starts; an empty one
counts as unset. `questlog settings` shows the values in force, secrets hidden. To keep
them in a file: copy `.env.example` to `.env`, edit it, and load it with
`set -a; . ./.env; set +a`.
"""


def settings_page() -> str:
    """The settings as a Markdown page."""
    rows = [
        f"| `{row.metadata['name']}` | {_default(default_of(row))}"
        f" | {_cell(row.metadata['meaning'])} | {_secret(row.metadata['secret'])} |"
        for row in table()
    ]
    head = ["| Variable | Default | Meaning | Secret |", "|---|---|---|---|"]
    introduction = _INTRODUCTION.strip()
    first = f"<!-- {note(_SOURCE)} -->"
    return "\n".join([first, "", introduction, "", *head, *rows, ""])


def env_example() -> str:
    """An environment file with every default, to copy and edit."""
    blocks = [
        f"# {row.metadata['meaning']}\n"
        f"{row.metadata['name']}={_assigned(default_of(row))}\n"
        for row in table()
    ]
    return "\n".join([f"# {note(_SOURCE)}\n", *blocks])


def _assigned(default: str) -> str:
    return shlex.quote(default) if default else ""


def _default(text: str) -> str:
    return f"`{text}`" if text else "empty"


def _secret(secret: object) -> str:
    return "yes" if secret else ""


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
