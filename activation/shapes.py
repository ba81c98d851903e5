"""What the keys of a definition may hold: each key's check, and what is wrong."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime

Check = Callable[[object], str | None]
Shape = Mapping[str, tuple[bool, Check]]
"""Key → (required, what is wrong with a value)."""


def disagreements(
    document: Mapping[str, object], shape: Shape, *, at: str
) -> Iterator[str]:
    """What is wrong with a document of a shape, key by key."""
    for key in document:
        if key not in shape:
            yield f"{at}{key}: unknown; known are {', '.join(sorted(shape))}"
    for key, (required, check) in shape.items():
        if key in document:
            fault = check(document[key])
            if fault:
                yield f"{at}{key}: {fault}"
        elif required:
            yield f"{at}{key}: missing"


def text(value: object) -> str | None:
    """Some text."""
    return None if isinstance(value, str) and value.strip() else "expected some text"


def flag(value: object) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else "expected true or false"


def mapping(value: object) -> str | None:
    """Keys and values."""
    return None if isinstance(value, dict) else "expected keys and values"


def number(low: float, high: float) -> Check:
    """A number within bounds, both included."""

    def check(value: object) -> str | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return None if low <= value <= high else expected
        return expected

    expected = f"expected a number from {low} to {high}"

    return check


def whole(low: int, high: int) -> Check:
    """A whole number within bounds, both included."""

    def check(value: object) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return None if low <= value <= high else expected
        return expected

    expected = f"expected a whole number from {low} to {high}"

    return check


def one_of(*known: str) -> Check:
    """One of some words."""
    return lambda value: None if value in known else f"expected {' or '.join(known)}"


def day(value: object) -> str | None:
    """A day, as YAML reads one."""
    fits = isinstance(value, date) and not isinstance(value, datetime)
    return None if fits else "expected a day like 2026-06-30, without quotes"


def names(value: object) -> str | None:
    """A list of names."""
    fits = isinstance(value, list) and value and all(isinstance(n, str) for n in value)
    return None if fits else "expected a list of names, or leave it out for all"


def country(value: object) -> str | None:
    """A country code."""
    fits = isinstance(value, str) and re.fullmatch("[A-Z]{2}", value)
    return None if fits else "expected a country code like DE"
