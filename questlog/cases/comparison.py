"""Compare an answer with what a case expects of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

FOR_READING: Final = ("published", "reproduced", "reference", "tolerance")
"""Keys of an expectation that begin so are for people to read."""

_SETS: Final = frozenset({"users_at_step"})
"""Lists of lists whose inner order means nothing."""

_ANY_ORDER: Final = frozenset({"sessions", "paths_to_conversion", "path_summary"})
"""Lists of objects whose order means nothing."""


_SHOWN_AT_MOST: Final = 200


@dataclass(slots=True)
class Comparison:
    """How many values were compared, and where they disagree."""

    compared: int = 0
    differences: list[str] = field(default_factory=list)


def compare(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Comparison:
    """Every expected value must be in the answer and agree.

    Counts agree exactly, seconds to 1 s, other numbers to 1e-6; null expects nothing,
    and the answer may say more.
    """
    made = Comparison()
    _object(made, "", expected, answer)
    return made


def _object(
    made: Comparison, path: str, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    for key, value in expected.items():
        if key.startswith(FOR_READING) or value is None:
            continue
        where = f"{path}.{key}" if path else key
        if key not in found:
            made.compared += 1
            made.differences.append(f"{where}: expected {_shown(value)}, found nothing")
        else:
            _value(made, where, value, found[key])


def _value(made: Comparison, path: str, expected: Any, found: Any) -> None:
    if expected is None:
        return
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        _object(made, path, expected, found)
        return
    if isinstance(expected, list) and isinstance(found, list):
        _list(made, path, expected, found)
        return
    made.compared += 1
    if not _agree(path, expected, found):
        made.differences.append(
            f"{path}: expected {_shown(expected)}, found {_shown(found)}"
        )


def _list(
    made: Comparison, path: str, expected: Sequence[Any], found: Sequence[Any]
) -> None:
    key = path.rsplit(".", 1)[-1]
    made.compared += 1
    if len(expected) != len(found):
        made.differences.append(
            f"{path}: expected {len(expected)} values, found {len(found)}:"
            f" {_shown(expected)}, {_shown(found)}"
        )
        return
    if key in _ANY_ORDER:
        expected, found = _sorted(expected), _sorted(found)
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        if key in _SETS and isinstance(one, list) and isinstance(other, list):
            _value(made, f"{path}[{number}]", sorted(one), sorted(other))
        else:
            _value(made, f"{path}[{number}]", one, other)


def _sorted(values: Sequence[Any]) -> list[Any]:
    return sorted(values, key=lambda value: msgspec.json.encode(value, order="sorted"))


def _agree(path: str, expected: object, found: object) -> bool:
    numbers = (int, float)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, numbers) and isinstance(found, numbers):
        if "seconds" in path:
            return abs(expected - found) <= 1
        if isinstance(expected, int) and isinstance(found, int):
            return expected == found
        return math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-6)
    return expected == found


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_AT_MOST else f"{text[:_SHOWN_AT_MOST]}…"
