"""Texts of an environment as values of settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import Field


def parsed(text: str, row: "Field[Any]") -> object:
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
