"""The tables that warehouse/ddl makes, with the comments of their columns."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.migrations import DDL, released

_CREATE = re.compile(
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?([\w.]+)\s*\(", re.IGNORECASE
)
_ADD = re.compile(
    r"alter\s+table\s+([\w.]+)\s+add\s+column\s+(?:if\s+not\s+exists\s+)?(.+)",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(
    r"""\s*(?P<name>\w+)\s+
    (?P<type>\w+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?)
    .*?(?:\bcomment\s+'(?P<comment>(?:[^']|'')*)')?
    (?=\s*(?:codec|ttl|after|first)\b|\s*$)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_NO_COLUMN = {"index", "projection", "constraint", "primary"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the DDL states it."""

    name: str
    type: str
    comment: str


@dataclass(slots=True)
class Table:
    """One table: its meaning stands in the comment over its statement."""

    name: str
    meaning: str
    columns: list[Column] = field(default_factory=list)


def tables(folder: Path = DDL) -> dict[str, Table]:
    """Every table after all migrations, by its full name."""
    found: dict[str, Table] = {}
    for migration in released(folder):
        meaning, statement = _parted(migration.statement)
        if created := _CREATE.search(statement):
            columns = _columns(_in_brackets(statement[created.end() :]))
            found[created[1]] = Table(created[1], meaning, columns)
        elif added := _ADD.search(statement):
            found[added[1]].columns += _columns(added[2].rstrip().rstrip(";"))
    return found


def _parted(statement: str) -> tuple[str, str]:
    """The comment lines over a statement as a sentence, and the statement."""
    lines = statement.splitlines()
    comments = [line[2:].strip() for line in lines if line.startswith("--")]
    rest = [line for line in lines if not line.startswith("--")]
    return " ".join(comments), "\n".join(rest)


def _in_brackets(text: str) -> str:
    """What stands before the bracket that closes the list of columns."""
    depth = 1
    for position, mark in _marks(text):
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if depth == 0:
            return text[:position]
    return text


def _columns(text: str) -> list[Column]:
    found = []
    for part in _parts(text):
        match = _COLUMN.match(part)
        if match and match["name"].lower() not in _NO_COLUMN:
            comment = (match["comment"] or "").replace("''", "'")
            found.append(Column(match["name"], match["type"], comment))
    return found


def _parts(text: str) -> list[str]:
    """The definitions of a list, cut at its own commas only."""
    parts, start, depth = [], 0, 0
    for position, mark in _marks(text):
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if mark == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _marks(text: str) -> list[tuple[int, str]]:
    """Brackets and commas with their positions, those in quotes left out."""
    found, quoted = [], False
    for position, mark in enumerate(text):
        if mark == "'":
            quoted = not quoted
        elif mark in "()," and not quoted:
            found.append((position, mark))
    return found
