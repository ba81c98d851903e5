"""A table's cell as a JSON value: what does not fit its type stays text.

So it is the door that judges it, with the reason an event of JSON would have got.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

import msgspec

Converter = Callable[[Any], Any]

TYPES: Final = ("string", "capitals", "integer", "number", "boolean", "json")
UNIX_UNITS: Final = {
    "unix_seconds": Decimal(1),
    "unix_milliseconds": Decimal(1000),
    "unix_microseconds": Decimal(1_000_000),
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# more digits than any 64-bit number; int() takes quadratic time over its digits
_LONGEST_NUMBER: Final = 64
_INTEGER: Final = re.compile(r"[+-]?\d+(?:\.0*)?", re.ASCII)
_NUMBER: Final = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII
)
# a double gives back every decimal of so many digits
_DIGITS_OF_A_DOUBLE: Final = 15
_YES: Final = frozenset({"true", "t", "yes", "y", "1"})
_NO: Final = frozenset({"false", "f", "no", "n", "0"})


def text(value: Any) -> str:  # noqa: PLR0911 - one return for each type
    """A cell as text: whole floats lose the `.0` that a gap in the column gave them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is None else _written(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict | list):
        return msgspec.json.encode(plain(value)).decode()
    return str(value)


def capitals(value: Any) -> str:
    """A code in capital letters: of "eur" EUR."""
    return text(value).strip().upper()


def integer(value: Any) -> Any:
    """A whole number, of any size; `12.0` is one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    written = text(value).strip()
    if len(written) > _LONGEST_NUMBER or not _INTEGER.fullmatch(written):
        return text(value)
    return int(written.partition(".")[0])


def number(value: Any) -> Any:
    """A number that is written as the cell was, never rounded."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    written = text(value).strip()
    if len(written) > _LONGEST_NUMBER or not _NUMBER.fullmatch(written):
        return text(value)
    if not set(written) & set(".eE"):
        return int(written)
    found = float(written)
    if len(written) > _DIGITS_OF_A_DOUBLE and Decimal(repr(found)) != Decimal(written):
        return text(value)
    return found


def boolean(value: Any) -> Any:
    """True or false, as people and programs write them."""
    if isinstance(value, bool):
        return value
    word = text(value).strip().lower()
    if word in _YES:
        return True
    return False if word in _NO else text(value)


def json(value: Any) -> Any:
    """What JSON text holds; nested columns of Parquet are taken as they are."""
    if not isinstance(value, str):
        return plain(value)
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return value


def plain(value: Any) -> Any:
    """A value of Parquet with JSON's types only."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, float) and value - value != 0:
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    return text(value)


CONVERTERS: Final[dict[str, Converter]] = {
    "string": text,
    "capitals": capitals,
    "integer": integer,
    "number": number,
    "boolean": boolean,
    "json": json,
}


def moment_reader(written_as: str, zone: tzinfo | None) -> Converter:
    """What reads moments: `rfc3339`, a `unix_…` count, or a strptime pattern.

    `zone` is that of moments which name none; without it they stay as they are,
    and the door refuses them.
    """

    def read(value: Any) -> Any:
        try:
            found = _moment(value, written_as)
            if found.tzinfo is None:
                if zone is None:
                    return text(value)
                found = found.replace(tzinfo=zone)
            return _written(found)
        except (ValueError, ArithmeticError):
            return text(value)

    return read


def _moment(value: Any, written_as: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    words = text(value).strip()
    if written_as == "rfc3339":
        return datetime.fromisoformat(words)
    if written_as not in UNIX_UNITS:
        return datetime.strptime(words, written_as)  # noqa: DTZ007 - zone comes next
    count = Decimal(repr(value) if isinstance(value, float) else words)
    microseconds = count * 1_000_000 / UNIX_UNITS[written_as]
    return _EPOCH + timedelta(microseconds=int(microseconds // 1))


def _written(at: datetime) -> str:
    """As the door reads fastest: UTC, milliseconds, the rest cut off."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"
