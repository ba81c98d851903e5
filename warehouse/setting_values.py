"""Texts of an environment as values of settings."""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import Field


def read(
    environ: Mapping[str, str], table: "Iterable[Field[Any]]"
) -> tuple[dict[str, object], list[str]]:
    """The values that an environment gives, and what is wrong with the others."""
    values: dict[str, object] = {}
    faults: list[str] = []
    for row in table:
        text = environ.get(row.metadata["name"], "").strip()
        if not text:
            continue
        try:
            values[row.name] = _parsed(text, row)
        except ValueError as error:
            faults.append(f"{row.metadata['name']}: {error}")
    return values, faults


def default_of(row: "Field[Any]") -> str:
    """A row's default as it would be written in an environment file."""
    if row.default is None or row.default is MISSING:
        return ""
    if isinstance(row.default, bool):
        return str(row.default).lower()
    return str(row.default)


def _parsed(text: str, row: "Field[Any]") -> object:
    """The value that a text gives a setting. Raises ValueError with what is wrong."""
    if row.type in (bool, "bool"):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise ValueError(f"expected true or false, got {_shown(text, row)}")
    if row.type in (int, "int"):
        if not text.isdecimal():
            raise ValueError(f"expected a whole number, got {_shown(text, row)}")
        return int(text)
    if row.default is None or isinstance(row.default, Path):
        return Path(text).expanduser()
    return text


def _shown(text: str, row: "Field[Any]") -> str:
    return "a hidden value" if row.metadata["secret"] else repr(text)
