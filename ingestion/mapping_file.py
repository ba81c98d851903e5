"""Read a mapping file; all its faults are reported at once, each with its line."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingestion.cells import TYPES, UNIX_UNITS
from ingestion.csv_rows import DELIMITERS, ENCODINGS, Dialect
from ingestion.mapping import (
    ENVELOPE,
    SECTIONS,
    DerivedId,
    Field,
    TableMapping,
    kind,
)
from warehouse.errors import BadInput
from warehouse.taxonomy.source import Place, Source, read

_WHOLE_ROW: Final = "row"
_TOP_LEVEL: Final = (
    *ENVELOPE,
    *SECTIONS,
    *("timezone", "absent", "delimiter", "encoding"),
)


def dialect_of(source: Source, default: Dialect) -> Dialect:
    """How the mapping says the CSV file is written; notes faults in the source."""
    return Dialect(
        delimiter=_one_of(source, "delimiter", DELIMITERS, default.delimiter),
        encoding=_one_of(source, "encoding", ENCODINGS, default.encoding),
    )


def opened(path: Path) -> Source:
    """A mapping file as plain data with its lines."""
    return read(path, file=str(path))


def without_faults(source: Source) -> None:
    """Raise BadInput with every fault that was found."""
    if source.faults:
        faults = "\n".join(f"  {fault}" for fault in sorted(source.faults))
        raise BadInput(f"The mapping cannot be used:\n{faults}")


def mapping(source: Source, columns: Sequence[str], dialect: Dialect) -> TableMapping:
    """What a mapping file says of a table with these columns.

    Raises BadInput with every fault at once.
    """
    found = noted(source, columns, dialect)
    without_faults(source)
    return found


def noted(source: Source, columns: Sequence[str], dialect: Dialect) -> TableMapping:
    """The same, with its faults only noted in the source."""
    return _Reading(source, columns).whole(dialect)


class _Reading:
    """One mapping file against one table's columns."""

    def __init__(self, source: Source, columns: Sequence[str]) -> None:
        self._source = source
        self._columns = columns

    def whole(self, dialect: Dialect) -> TableMapping:
        data = self._source.data
        self._known(data, _TOP_LEVEL, ())
        self._needed(data)
        fields = {
            key: self._field(data[key], (key,), kind(key))
            for key in ENVELOPE
            if key in data and not self._is_derived(key, data[key])
        }
        return TableMapping(
            fields=fields,
            sections={
                key: self._section(data[key], (key,)) for key in SECTIONS if key in data
            },
            derived_id=None if "event_id" in fields else self._derived(data),
            timezone=self._zone(data.get("timezone", "")),
            absent=tuple(self._texts(data.get("absent", []), ("absent",))),
            dialect=dialect,
        )

    def _needed(self, data: dict[str, Any]) -> None:
        for key in ("event_name", "timestamp"):
            if key not in data:
                self._object(f"missing: give {key} a column or a constant")
        if "user_id" not in data and "anonymous_id" not in data:
            self._object("nobody is named: give user_id or anonymous_id a column")

    def _is_derived(self, key: str, value: Any) -> bool:
        return key == "event_id" and isinstance(value, dict) and "derived_from" in value

    def _derived(self, data: dict[str, Any]) -> DerivedId:
        said = data.get("event_id")
        if not isinstance(said, dict):
            return DerivedId()
        self._known(said, ("derived_from", "namespace"), ("event_id",))
        at: Place = ("event_id", "derived_from")
        namespace = said.get("namespace", "")
        if not isinstance(namespace, str):
            self._object("expected a text", ("event_id", "namespace"))
        if said.get("derived_from") == _WHOLE_ROW:
            return DerivedId(namespace=str(namespace))
        columns = self._texts(said.get("derived_from"), at)
        if not columns:
            self._object(f"expected {_WHOLE_ROW}, or a list of key columns", at)
        for name in columns:
            self._column(name, at)
        return DerivedId(tuple(columns), str(namespace))

    def _section(self, said: Any, at: Place) -> Field | dict[str, Field]:
        if isinstance(said, str):
            return Field(self._column(said, at), kind="json")
        if not isinstance(said, dict):
            self._object("expected properties by name, or a column of JSON objects", at)
            return {}
        return {name: self._field(one, (*at, name), "") for name, one in said.items()}

    def _field(self, said: Any, at: Place, fixed: str) -> Field:
        """A field; `fixed` is the kind of an envelope key, empty for a property."""
        if isinstance(said, str):
            return Field(self._column(said, at), kind=fixed or "string")
        if not isinstance(said, dict):
            self._object("expected a column's name, or column: or constant:", at)
            return Field()
        keys = ["column", "constant"]
        keys += [] if fixed else ["type"]
        keys += ["format"] if fixed == "moment" or not fixed else ["rename"]
        self._known(said, [*keys, "rename"], at)
        if ("column" in said) == ("constant" in said):
            self._object("expected one of column: and constant:", at)
        if "constant" in said:
            return self._constant(said, at, fixed)
        found = fixed or self._type(said.get("type", "string"), at)
        return Field(
            column=self._column(said.get("column", ""), (*at, "column")),
            kind=found,
            format=self._format(said, at, found),
            rename=self._renames(said.get("rename", {}), (*at, "rename")),
        )

    def _constant(self, said: dict[str, Any], at: Place, fixed: str) -> Field:
        self._known(said, ("constant",), at)
        value = said["constant"]
        here = (*at, "constant")
        if fixed and fixed != "integer" and not isinstance(value, str):
            self._object("expected a text: write it in quotes", here)
        elif fixed == "integer" and type(value) is not int:
            self._object("expected a whole number", here)
        elif not isinstance(value, str | int | float | bool):
            self._object("expected a text, a number, true or false", here)
        return Field(constant=value)

    def _type(self, said: Any, at: Place) -> str:
        if said == "timestamp":
            return "moment"
        if said not in TYPES:
            says = f"no type; there are: {', '.join(TYPES)}, timestamp"
            self._object(says, (*at, "type"))
            return "string"
        return str(said)

    def _format(self, said: dict[str, Any], at: Place, found: str) -> str:
        written_as = said.get("format", "rfc3339")
        here = (*at, "format")
        if "format" in said and found != "moment":
            self._object("only a timestamp has a format", here)
        if not isinstance(written_as, str) or not (
            written_as in ("rfc3339", *UNIX_UNITS) or "%" in written_as
        ):
            units = ", ".join(UNIX_UNITS)
            says = f"expected rfc3339, {units}, or a pattern such as %d/%m/%Y %H:%M"
            self._object(says, here)
            return "rfc3339"
        return written_as

    def _renames(self, said: Any, at: Place) -> dict[str, str]:
        if not isinstance(said, dict):
            self._object("expected new names by the old ones", at)
            return {}
        for old, new in said.items():
            if not isinstance(new, str) or not new:
                self._object("expected a text: write it in quotes", (*at, old))
        return {old: str(new) for old, new in said.items()}

    def _zone(self, said: Any) -> str:
        if said in ("", None):
            return ""
        try:
            return ZoneInfo(str(said)).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._object("no time zone; write one as Europe/Berlin", ("timezone",))
            return ""

    def _texts(self, said: Any, at: Place) -> list[str]:
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            self._object("expected a list of texts", at)
            return []
        return said

    def _column(self, name: Any, at: Place) -> str:
        count = self._columns.count(name)
        if not isinstance(name, str) or not name:
            self._object("expected a column's name", at)
        elif count == 0:
            there = ", ".join(self._columns[:30])
            self._object(f"the file has no column {name!r}; it has: {there}", at)
        elif count > 1:
            self._object(f"the file has {count} columns named {name!r}", at)
        return str(name)

    def _known(self, said: dict[str, Any], known: Iterable[str], at: Place) -> None:
        words = list(dict.fromkeys(known))
        for key in said:
            if key not in words:
                self._object(f"no such key; there are: {', '.join(words)}", (*at, key))

    def _object(self, says: str, at: Place = ()) -> None:
        self._source.object_to(says, at)


def _one_of(source: Source, key: str, known: Sequence[str], default: str) -> str:
    said = source.data.get(key, default)
    if said in known:
        return str(said)
    there = ", ".join(map(repr, known))
    source.object_to(f"expected one of {there}", (key,))
    return default
