"""What an upload to an audience holds, judged as the stand-in's platform would.

Values that are no digests where digests belong count as invalid and are dropped:
the stand-in never keeps what could be read.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from activation.standins.held import Keys, Row

MOST_ROWS = 10_000
HASHED_KEYS = frozenset({"EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD"}) | {
    *("LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY")
}
PLAIN_KEYS = frozenset({"EXTERN_ID", "MADID"})
VALUE_KEY = "LOOKALIKE_VALUE"

_DIGEST = re.compile("[0-9a-f]{64}")
_DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()

KEYS = Keys(
    known=(*sorted(PLAIN_KEYS), *sorted(HASHED_KEYS), VALUE_KEY),
    naming=frozenset({"EXTERN_ID", "EMAIL", "PHONE", "MADID"}),
    value=VALUE_KEY,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """An upload, read."""

    schema: tuple[str, ...]
    valid: tuple[Row, ...]
    received: int

    @property
    def invalid(self) -> int:
        """Rows that could not be used."""
        return self.received - len(self.valid)


def read_rows(payload: object, *, is_value_based: bool) -> Rows | str:
    """The rows of a payload, or what is wrong with the whole of it."""
    if not isinstance(payload, dict):
        return "payload must be an object"
    schema, data = _schema(payload.get("schema")), payload.get("data")
    known = HASHED_KEYS | PLAIN_KEYS | ({VALUE_KEY} if is_value_based else set())
    if not schema or not set(schema) <= known:
        return f"schema must be made of {', '.join(sorted(known))}"
    if not isinstance(data, list) or not data:
        return "data must be a list with at least one row"
    if len(data) > MOST_ROWS:
        return f"data has more than {MOST_ROWS} rows"
    read = (_row(schema, values) for values in data)
    return Rows(schema, tuple(row for row in read if row), len(data))


def _schema(schema: object) -> tuple[str, ...]:
    if isinstance(schema, str):
        return (schema.removesuffix("_SHA256"),)
    if isinstance(schema, list) and all(isinstance(key, str) for key in schema):
        return tuple(schema)
    return ()


def _row(schema: Sequence[str], values: object) -> Row | None:
    cells = [values] if isinstance(values, str) else values
    if not isinstance(cells, list) or len(cells) != len(schema):
        return None
    given = dict(zip(schema, cells, strict=True))
    if not all(_fits(key, value) for key, value in given.items()):
        return None
    return _known(given) or None


def _known(given: Mapping[str, object]) -> Row:
    return tuple(
        (key, str(value)) for key, value in sorted(given.items()) if value != ""
    )


def _fits(key: str, value: object) -> bool:
    if key == VALUE_KEY:
        return isinstance(value, int | float) and value >= 0
    if not isinstance(value, str):
        return False
    if key in PLAIN_KEYS or not value:
        return True
    return bool(_DIGEST.fullmatch(value)) and value != _DIGEST_OF_NOTHING
