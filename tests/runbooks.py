"""What the runbooks tell a person to type, read from their pages."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.settings import REPOSITORY

FOLDER = REPOSITORY / "docs" / "runbooks"
PAGES = sorted(FOLDER.glob("*.md"))

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_OF_CURL = re.compile(r"curl .*?18123.*? -d \"(.*?)\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Typed:
    """Something to type; `is_whole` when it stands by itself, not within a sentence."""

    page: str
    text: str
    is_whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def typed(page: Path) -> Iterator[Typed]:
    """Lines after a prompt, and spans of code within sentences."""
    text = page.read_text()
    for _, kind, body in _FENCED.findall(text):
        if kind == "console":
            for line in body.replace("\\\n", " ").splitlines():
                if line.strip().startswith("$ "):
                    whole = re.sub(r"\s+", " ", line.strip().removeprefix("$ "))
                    yield Typed(page.stem, whole, is_whole=True)
    for span in _SPAN.findall(_FENCED.sub("", text)):
        yield Typed(page.stem, span, is_whole=False)


def commands(page: Path) -> Iterator[tuple[Typed, list[str]]]:
    """Each `questlog …` with its words; what follows a pipe is somebody else's."""
    for one in typed(page):
        for part in one.text.split(" | "):
            command = part.removeprefix("docker compose exec -T airflow-scheduler ")
            if command.startswith("questlog ") and "…" not in command.split(' "')[0]:
                yield one, shlex.split(command)[1:]


def queries(page: Path) -> Iterator[str]:
    """SQL to be asked of ClickHouse: blocks of it, spans, and what curl is given."""
    text = page.read_text()
    for _, kind, body in _FENCED.findall(text):
        if kind == "sql":
            yield body.strip()
        elif kind == "console":
            yield from _OF_CURL.findall(body)
    for span in _SPAN.findall(_FENCED.sub("", text)):
        if span.startswith("select "):
            yield span
