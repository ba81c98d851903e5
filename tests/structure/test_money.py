"""Nothing adds two currencies: only reported amounts are summed across them."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("dbt_project", "warehouse", "expectations", "ml", "activation", "questlog")
SOURCES = [
    path
    for folder in FOLDERS
    for kind in ("*.sql", "*.py")
    for path in (REPOSITORY / folder).rglob(kind)
]
# the questions that ask for each currency apart, and group by it
BY_CURRENCY = {"activation/conversions/due.py", "questlog/demo/inquiry.py"}
FOLDED = re.compile(r"\b(sum|avg|total|quantile|median)\w*\s*\(", re.IGNORECASE)
OWN_AMOUNT = re.compile(r"(?<!reporting_)\bamount_minor\b")


def folded(text: str) -> list[str]:
    """The arguments of every aggregate, brackets within them included."""
    found = []
    for call in FOLDED.finditer(text):
        depth, end = 1, call.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        found.append(text[call.end() : end])
    return found


def test_amounts_of_different_currencies_are_never_added() -> None:
    adding = {
        path.relative_to(REPOSITORY).as_posix()
        for path in SOURCES
        for arguments in folded(path.read_text())
        if OWN_AMOUNT.search(arguments)
    }

    assert len(SOURCES) > 100
    assert adding == BY_CURRENCY
    for path in BY_CURRENCY:
        assert "group by currency" in (REPOSITORY / path).read_text()


@pytest.mark.parametrize(
    ("text", "adds"),
    [
        ("sum(coalesce(amount_minor, 0))", True),
        ("sumIf(payments.amount_minor, kind = 'payment')", True),
        ("sum(reporting_amount_minor)", False),
        ("any(amount_minor)", False),
    ],
)
def test_an_addition_is_seen(text: str, *, adds: bool) -> None:
    assert any(OWN_AMOUNT.search(one) for one in folded(text)) is adds


def test_only_the_conversion_reads_staged_money() -> None:
    readers = {
        path.stem
        for path in SOURCES
        for line in path.read_text().splitlines()
        # one that only waits for it reads nothing
        if "ref('stg_payments')" in line and not line.startswith("-- depends_on")
    }

    assert readers == {"int_payments_converted"}
