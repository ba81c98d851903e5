"""Read the parameters of a question, as params.json or a person wrote them."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from warehouse.errors import BadInput

Form = TypeVar("Form", bound=msgspec.Struct)

COMMENTS: Final = frozenset({"kind", "note", "identity"})
"""Keys that may stand beside any question's parameters and change no answer."""

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?$", re.DOTALL)


def read(kind: str, form: type[Form], given: Mapping[str, Any]) -> Form:
    """The parameters as their form. Raises BadInput saying which is wrong and how."""
    try:
        return msgspec.convert(dict(given), form)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        what = found["what"] if found else str(error)
        where = (found["where"] if found else "") or "as a whole"
        raise BadInput(
            f"The question {kind} cannot be asked, parameter {where}: {what}."
            " Its parameters are in docs/questions.md."
        ) from error


def unknown(form: type[msgspec.Struct], given: Mapping[str, Any]) -> list[str]:
    """Which given names are no parameters of a form."""
    known = {field.encode_name for field in msgspec.structs.fields(form)} | COMMENTS
    return sorted(set(given) - known)


def require_known(
    kind: str, form: type[msgspec.Struct], given: Mapping[str, Any]
) -> None:
    """Raise BadInput when a name is no parameter, such as one mistyped."""
    if names := unknown(form, given):
        known = sorted(field.encode_name for field in msgspec.structs.fields(form))
        raise BadInput(
            f"The question {kind} has no parameter {', '.join(names)}."
            f" It has: {', '.join(known)}."
        )


def milliseconds(text: str, parameter: str, zone: str = "UTC") -> int:
    """A moment as ms since 1970 UTC; without an offset it is one of the zone.

    Raises BadInput for what is no moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"Parameter {parameter}: {text!r} is no moment;"
            " write it like 2026-03-01T00:00:00Z or 2026-03-01."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(require_zone(zone)))
    return round(moment.timestamp() * 1000)


def last_millisecond(text: str, parameter: str, zone: str = "UTC") -> int:
    """The same for the inclusive end of a span: a bare day is meant as a whole."""
    if len(text) != len("2026-03-01"):
        return milliseconds(text, parameter, zone)
    named = day(text, parameter)
    if named == date.max:
        return milliseconds(f"{text}T23:59:59.999", parameter, zone)
    return milliseconds((named + timedelta(days=1)).isoformat(), parameter, zone) - 1


def day(text: str, parameter: str) -> date:
    """A calendar day; of a moment its UTC day. Raises BadInput for anything else."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise BadInput(
            f"Parameter {parameter}: {text!r} is no day; write it like 2026-03-01."
        ) from error


def require_zone(name: str) -> str:
    """The name, if it is a time zone. Raises BadInput otherwise."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInput(
            f"Parameter time_zone: {name!r} is no time zone; write it like"
            " Europe/Berlin."
        ) from error


Where = dict[str, Any]
"""Filters on properties: name and value, a list of values, or {comparison: value}."""

_COMPARISONS: Final = frozenset(
    {"not", "contains", "above", "at_least", "below", "at_most", "set"}
)
_NUMERIC: Final = frozenset({"above", "at_least", "below", "at_most"})


def require_where(where: Where, parameter: str) -> Where:
    """The filters, if they can be asked. Raises BadInput naming the one that can't."""
    for name, value in where.items():
        place = f"{parameter}.{name}"
        if not isinstance(value, dict):
            _require_plain(value, place)
            continue
        for comparison, operand in value.items():
            if comparison not in _COMPARISONS:
                raise BadInput(
                    f"Parameter {place}: there is no comparison {comparison!r};"
                    f" there are {', '.join(sorted(_COMPARISONS))}."
                )
            _require_operand(comparison, operand, place)
    return where


def _require_operand(comparison: str, operand: object, place: str) -> None:
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    if comparison in _NUMERIC and not is_number:
        raise BadInput(f"Parameter {place}: {comparison} needs a number.")
    if comparison == "set" and not isinstance(operand, bool):
        raise BadInput(f"Parameter {place}: set needs true or false.")
    if comparison == "contains" and not isinstance(operand, str):
        raise BadInput(f"Parameter {place}: contains needs a text.")
    if comparison == "not":
        _require_plain(operand, place)


def _require_plain(value: object, place: str) -> None:
    values = value if isinstance(value, list) else [value]
    if not all(one is None or isinstance(one, str | int | float) for one in values):
        raise BadInput(
            f"Parameter {place}: a property is compared with a text, a number, true,"
            " false, null, or a list of such."
        )
