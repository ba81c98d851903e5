"""The rules a definition must keep; what breaks them is a fault."""

import difflib
import math
import re
from collections.abc import Collection
from datetime import date
from typing import Any

from warehouse.taxonomy.source import Place, Source
from warehouse.taxonomy.values import Property

TYPES = ("string", "integer", "number", "boolean", "array")
PERSONAL = ("none", "pseudonym", "direct")
ON_VIOLATION = ("quarantine", "tag", "strip")
FORMATS = ("uuid", "date", "date-time", "email", "uri")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 64
_NO_DAY = 'expected a day like "2026-03-01", got {!r}'
_MONTHS = re.compile(r"([1-9]\d{0,3}) months")
_VERSION = re.compile(r"\d+\.\d+")
_CONSTRAINTS: dict[str, tuple[str, ...]] = {
    "string": ("enum", "min_length", "max_length", "format", "pattern"),
    "integer": ("enum", "min", "max"),
    "number": ("min", "max"),
    "boolean": (),
    "array": ("items", "max_items"),
    "object": (),
}
_ALL_CONSTRAINTS = tuple(dict.fromkeys(sum(_CONSTRAINTS.values(), ())))
_PROPERTY_KEYS = (
    *("type", "meaning", "required", "personal", "examples"),
    *("replaced_by", "retired_on"),
    *_ALL_CONSTRAINTS,
)
_EVENT_KEYS = (
    *("meaning", "since", "on_violation", "keep_for", "versions", "superseded"),
    *("replaced_by", "retired_on", "properties"),
)


def check_name(source: Source, at: Place) -> None:
    """A name is snake_case and of a length people can read."""
    name = str(at[-1])
    if not _NAME.fullmatch(name):
        source.object_to("not snake_case; write it like game_created", at)
    elif len(name) > _LONGEST_NAME:
        source.object_to(f"longer than {_LONGEST_NAME} characters", at)


def check_event(source: Source, at: Place, raw: dict[str, Any]) -> None:
    """The rules for an event itself; its properties are checked one by one."""
    _check_keys(source, at, raw, _EVENT_KEYS)
    _check_meaning(source, at, raw)
    if "since" not in raw:
        source.object_to('`since` is missing; write `since: "1.0"`', at)
    elif not _is_version(raw["since"]):
        source.object_to('expected a version in quotes, like "1.0"', (*at, "since"))
    if "on_violation" in raw:
        _check_choice(source, (*at, "on_violation"), raw["on_violation"], ON_VIOLATION)
    if "keep_for" in raw and months_of(raw["keep_for"]) is None:
        says = f"expected a time like 25 months, got {raw['keep_for']!r}"
        source.object_to(says, (*at, "keep_for"))
    _check_versions(source, at, raw)
    _check_superseded(source, at, raw)
    _check_retired_on(source, at, raw)
    if not isinstance(raw.get("properties", {}), dict):
        source.object_to("expected names with definitions", (*at, "properties"))


def months_of(raw: object) -> int | None:
    """How many months a text such as `25 months` says; None where it says none."""
    found = _MONTHS.fullmatch(raw) if isinstance(raw, str) else None
    return int(found[1]) if found else None


def check_property(
    source: Source, at: Place, raw: dict[str, Any], *, around: str = ""
) -> None:
    """The rules for one property or trait, or a word of the `envelope` or `context`.

    `around` names the latter two: what stands around properties may be an object.
    """
    own = ("imports_only",) if around == "envelope" else ()
    _check_keys(source, at, raw, (*_PROPERTY_KEYS, *own))
    _check_meaning(source, at, raw)
    _check_retired_on(source, at, raw)
    for key in ("required", *own):
        if not isinstance(raw.get(key, False), bool):
            source.object_to("expected true or false", (*at, key))
    if "personal" not in raw:
        source.object_to(f"`personal` is missing; say {_listed(PERSONAL)}", at)
    else:
        _check_choice(source, (*at, "personal"), raw["personal"], PERSONAL)
    if "type" not in raw:
        source.object_to(f"`type` is missing; say {_listed(TYPES)}", at)
        return
    types = (*TYPES, "object") if around in ("envelope", "context") else TYPES
    if not _check_choice(source, (*at, "type"), raw["type"], types):
        return
    if raw.get("personal") == "direct" and raw["type"] != "string":
        source.object_to("a direct identifier must be a string", (*at, "type"))
    before = len(source.faults)
    _check_constraints(source, at, raw)
    if len(source.faults) == before:
        _check_examples(source, at, raw)


def _check_keys(
    source: Source, at: Place, raw: dict[str, Any], known: Collection[str]
) -> None:
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {_listed(known)}"
            source.object_to(f"unknown key; {hint}", (*at, key))


def _check_meaning(source: Source, at: Place, raw: dict[str, Any]) -> None:
    meaning = raw.get("meaning")
    if meaning is None:
        source.object_to("`meaning` is missing; say in a sentence what it is", at)
    elif not isinstance(meaning, str) or not meaning.strip():
        source.object_to("expected a sentence", (*at, "meaning"))


def _check_choice(
    source: Source, at: Place, value: Any, choices: Collection[str]
) -> bool:
    if isinstance(value, str) and value in choices:
        return True
    source.object_to(f"expected {_listed(choices)}, got {value!r}", at)
    return False


def _check_versions(source: Source, at: Place, raw: dict[str, Any]) -> None:
    if "versions" not in raw:
        return
    versions, here = raw["versions"], (*at, "versions")
    if not isinstance(versions, list) or not versions:
        source.object_to('expected a list of versions, like ["1.0"]', here)
    elif not all(_is_version(one) for one in versions):
        source.object_to('each version goes in quotes, like "1.0"', here)
    elif versions != sorted(set(versions), key=version_order):
        source.object_to("expected each version once, the oldest first", here)


def _check_superseded(source: Source, at: Place, raw: dict[str, Any]) -> None:
    days, here = raw.get("superseded", {}), (*at, "superseded")
    if not isinstance(days, dict):
        source.object_to('expected versions with days, like "1.0": "2026-03-01"', here)
        return
    versions = raw.get("versions", [raw.get("since")])
    former = versions[:-1] if isinstance(versions, list) else []
    for version, day in days.items():
        if version not in former:
            says = "not one of `versions`, or the newest of them"
            source.object_to(says, (*here, version))
        if day_of(day) is None:
            source.object_to(_NO_DAY.format(day), (*here, version))


def _check_retired_on(source: Source, at: Place, raw: dict[str, Any]) -> None:
    if "retired_on" in raw and day_of(raw["retired_on"]) is None:
        source.object_to(_NO_DAY.format(raw["retired_on"]), (*at, "retired_on"))


def day_of(value: Any) -> date | None:
    """A day as YAML has it, in quotes or bare; None for anything else."""
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def version_order(version: str) -> tuple[int, ...]:
    """What versions are put in order by: 1.9 comes before 1.10."""
    return tuple(int(part) for part in version.split("."))


def _is_version(value: Any) -> bool:
    return isinstance(value, str) and bool(_VERSION.fullmatch(value))


def _check_constraints(source: Source, at: Place, raw: dict[str, Any]) -> None:
    allowed = _CONSTRAINTS[raw["type"]]
    for key in _ALL_CONSTRAINTS:
        if key not in raw:
            continue
        if key not in allowed:
            source.object_to(f"means nothing for type {raw['type']}", (*at, key))
        elif fault := _constraint_fault(key, raw):
            source.object_to(fault, (*at, key))
    for low, high in (("min", "max"), ("min_length", "max_length")):
        both = _is_number(raw.get(low)) and _is_number(raw.get(high))
        if both and raw[low] > raw[high]:
            source.object_to(f"greater than `{high}` ({raw[high]})", (*at, low))


def _constraint_fault(key: str, raw: dict[str, Any]) -> str | None:
    value = raw[key]
    if key in {"min", "max"}:
        whole = raw["type"] == "integer"
        good = _is_integer(value) if whole else _is_number(value)
        wanted = "a whole number" if whole else "a number"
        return None if good else f"expected {wanted}, got {value!r}"
    if key in {"min_length", "max_length", "max_items"}:
        good = _is_integer(value) and value >= 0
        return None if good else f"expected a whole number from 0, got {value!r}"
    if key == "enum":
        return _enum_fault(value, raw["type"])
    if key == "pattern":
        return _pattern_fault(value)
    choices = FORMATS if key == "format" else TYPES[:-1]
    good = isinstance(value, str) and value in choices
    return None if good else f"expected {_listed(choices)}, got {value!r}"


def _enum_fault(value: Any, type_name: str) -> str | None:
    if not isinstance(value, list) or not value:
        return "expected a list with at least one value"
    for one in value:
        if not is_of_type(one, type_name):
            hint = "; write it in quotes" if type_name == "string" else ""
            return f"{one!r} is no {type_name}{hint}"
    return None if len(set(value)) == len(value) else "a value stands here twice"


def _pattern_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"expected a regular expression in quotes, got {value!r}"
    try:
        re.compile(value)
    except re.error as error:
        return f"no regular expression: {error}"
    return None


def _check_examples(source: Source, at: Place, raw: dict[str, Any]) -> None:
    examples = raw.get("examples", [])
    if not isinstance(examples, list):
        source.object_to("expected a list", (*at, "examples"))
        return
    for number, example in enumerate(examples):
        if fault := _example_fault(example, raw):
            source.object_to(fault, (*at, "examples", number))


def _example_fault(value: Any, raw: dict[str, Any]) -> str | None:
    if not is_of_type(value, raw["type"]):
        hint = "; write it in quotes" if raw["type"] == "string" else ""
        return f"{value!r} is no {raw['type']}{hint}"
    length = len(value) if isinstance(value, str) else 0
    number = value if _is_number(value) else 0
    broken = (
        ("enum", raw.get("enum") and value not in raw["enum"]),
        ("min", number < raw.get("min", number)),
        ("max", number > raw.get("max", number)),
        ("min_length", length < raw.get("min_length", 0)),
        ("max_length", length > raw.get("max_length", length)),
        ("pattern", "pattern" in raw and not re.search(raw["pattern"], str(value))),
    )
    return next((f"breaks its own `{key}`" for key, bad in broken if bad), None)


def is_of_type(value: Any, type_name: str) -> bool:
    """Whether a value from YAML or JSON is of a type of the taxonomy."""
    if type_name == "integer":
        return _is_integer(value)
    if type_name == "number":
        return _is_number(value)
    kinds = {"string": str, "boolean": bool, "array": list, "object": dict}
    return isinstance(value, kinds[type_name])


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _listed(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def property_of(name: str, raw: dict[str, Any]) -> Property:
    """The property of a definition that keeps the rules."""
    values = dict(raw)
    for key in ("enum", "examples"):
        values[key] = tuple(raw.get(key, ()))
    values["meaning"] = " ".join(raw["meaning"].split())
    if "retired_on" in raw:
        values["retired_on"] = day_of(raw["retired_on"])
    return Property(name=name, **values)
