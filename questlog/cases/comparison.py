"""Compare an answer with what a case expects of it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

FOR_READING: Final = ("published", "reproduced", "reference", "tolerance")
"""Keys of an expectation that begin so are for people to read."""

_SETS: Final = frozenset({"users_at_step"})
"""Lists of lists whose inner order means nothing."""

_ANY_ORDER: Final = frozenset(
    {"sessions", "paths_to_conversion", "path_summary", "after", "before"}
)
"""Lists of objects whose order means nothing."""

_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.]\d{1,6})?)?(Z|[+]00:?00| UTC)?"
)

_SHOWN_AT_MOST: Final = 200


@dataclass(slots=True)
class Comparison:
    """How many values were compared, and where they disagree."""

    compared: int = 0
    differences: list[str] = field(default_factory=list)
    bounds: Mapping[str, float] = field(default_factory=dict)


def compare(expected: Mapping[str, Any], answer: Mapping[str, Any]) -> Comparison:
    """Every expected value must be in the answer and agree.

    Counts agree exactly, seconds and moments to 1 s, other numbers to 1e-6; null
    expects nothing, and the answer may say more. `tolerance` of the expectation widens
    this for fitted `parameters`, relatively, and for their `LL`, absolutely.
    """
    said = expected.get("tolerance")
    made = Comparison(bounds=said if isinstance(said, Mapping) else {})
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
    if not _agree(path, expected, found, made.bounds):
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
        named = _named_by_all(expected)
        expected, found = _sorted(expected, named), _sorted(found, named)
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        if key in _SETS and isinstance(one, list) and isinstance(other, list):
            _value(made, f"{path}[{number}]", sorted(one), sorted(other))
        else:
            _value(made, f"{path}[{number}]", one, other)


def _named_by_all(values: Sequence[Any]) -> frozenset[str]:
    """The keys that every object of a list expects something of."""
    expecting = [
        {key for key, inner in value.items() if inner is not None}
        for value in values
        if isinstance(value, Mapping)
    ]
    return frozenset(set.intersection(*expecting)) if expecting else frozenset()


def _sorted(values: Sequence[Any], named: frozenset[str]) -> list[Any]:
    """In an order that depends on what is expected alone, however it is written."""

    def place(value: Any) -> str:
        if not isinstance(value, Mapping):
            return repr(value)
        told = ((key, value[key]) for key in sorted(named) if key in value)
        return repr([(key, _comparable(inner)) for key, inner in told])

    return sorted(values, key=place)


def _comparable(value: object) -> object:
    """A number or moment as a float, whether it was written as whole or not."""
    if isinstance(value, int | float):
        return round(float(value), 6)
    moment = _seconds(value)
    return value if moment is None else moment


def _seconds(value: object) -> float | None:
    """A moment written as text, in seconds since 1970; without an offset it is UTC."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    moment = datetime.fromisoformat(value.removesuffix(" UTC"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _agree(
    path: str, expected: object, found: object, bounds: Mapping[str, float]
) -> bool:
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return _equal(path, expected, found, bounds)
    moments = _seconds(expected), _seconds(found)
    if moments[0] is not None and moments[1] is not None:
        return abs(moments[0] - moments[1]) <= 1
    return expected == found


def _equal(
    path: str, expected: float, found: float, bounds: Mapping[str, float]
) -> bool:
    """Whether two numbers are the same, as far as what they count lets them differ."""
    if "seconds" in path:
        return abs(expected - found) <= 1
    if isinstance(expected, int) and isinstance(found, int):
        return expected == found
    relative, absolute = 1e-9, 1e-6
    if "parameters" in path.split("."):
        if path.endswith(".LL"):
            absolute = bounds.get("LL", absolute)
        else:
            relative = bounds.get("parameters", relative)
    return math.isclose(expected, found, rel_tol=relative, abs_tol=absolute)


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_AT_MOST else f"{text[:_SHOWN_AT_MOST]}…"
