"""docs/endpoint.md: the embedded endpoint against a server, each row with its tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from warehouse.generators.note import note
from warehouse.settings import REPOSITORY

SOURCE = "docs/endpoint.yml"
_INTRODUCTION = """
# The embedded endpoint

`questlog serve clickhouse` serves ClickHouse's HTTP interface over chDB, on loopback:
any ClickHouse client works, unchanged. This is what it does and does not do, beside a
server of the same release. Each row names the tests that hold it, and a test holds
that they are there; why it is so is in [DECISIONS](../DECISIONS.md).

What client projects' own suites say of it: `make conformance SUITE=clickhouse-connect
PATH=…`; what still fails there, and at whose door that lies, is in
[known_failures.yml](../tests/conformance/known_failures.yml).
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What a server does, what the endpoint does, and the tests that hold it."""

    what: str
    server: str
    endpoint: str
    tests: tuple[str, ...]


def rows(root: Path = REPOSITORY) -> Iterator[tuple[str, Row]]:
    """Each row under its section's title. Raises KeyError when a field is missing."""
    for section in yaml.safe_load((root / SOURCE).read_text(encoding="utf-8")):
        for row in section["rows"]:
            told = (row["what"], row["server"], row["endpoint"])
            yield section["title"], Row(*told, tuple(row["tests"]))


def located(test: str) -> tuple[PurePosixPath, str]:
    """The file of a test as the source names it, and the test's function."""
    module, _, name = test.partition("::")
    path = PurePosixPath("tests", module)
    return path.with_name(f"test_{path.name}.py"), f"test_{name}"


def endpoint_page(root: Path = REPOSITORY) -> str:
    """The rows as a Markdown page, in the order of their file."""
    lines = [f"<!-- {note(SOURCE)} -->", "", _INTRODUCTION.strip()]
    seen = ""
    for title, row in rows(root):
        if title != seen:
            lines += ["", f"## {title}", ""]
            lines += ["| | a server | the endpoint | held by |", "|---|---|---|---|"]
            seen = title
        held = "<br>".join(map(_link, row.tests))
        lines.append(f"| {row.what} | {row.server} | {row.endpoint} | {held} |")
    return "\n".join([*lines, ""])


def _link(test: str) -> str:
    path, name = located(test)
    said = name.removeprefix("test_").replace("_", " ")
    return f"[{said}](../{path})"
