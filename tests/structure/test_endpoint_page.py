"""docs/endpoint.md cannot lie: what it says is held by tests that are there."""

import ast

from warehouse.generators.endpoint_page import located, rows
from warehouse.settings import REPOSITORY


def test_every_row_is_held_by_tests_that_exist() -> None:
    missing = []
    for _, row in rows():
        assert row.tests, f"no test holds the row {row.what!r} of docs/endpoint.yml"
        for test in row.tests:
            path, name = located(test)
            file = REPOSITORY / path
            names = set()
            if file.is_file():
                names = {
                    node.name
                    for node in ast.parse(file.read_text()).body
                    if isinstance(node, ast.FunctionDef)
                }
            if name not in names:
                missing.append(test)

    assert missing == [], "docs/endpoint.yml names tests that are not there"


def test_no_cell_breaks_its_table() -> None:
    told = [cell for _, row in rows() for cell in (row.what, row.server, row.endpoint)]

    assert [cell for cell in told if "|" in cell or "\n" in cell] == []
