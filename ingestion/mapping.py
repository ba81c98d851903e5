"""What the columns of a table mean: how a row becomes an event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from ingestion.cells import CONVERTERS, moment_reader, text
from ingestion.csv_rows import Dialect
from ingestion.rows import json_text

MOMENTS: Final = ("timestamp", "received_at", "sent_at", "created_at")
TEXTS: Final = ("event_id", "event_name", "user_id", "anonymous_id", "session_id")
ENVELOPE: Final = (*TEXTS, "event_version", "sequence", *MOMENTS)
SECTIONS: Final = ("properties", "context", "user_properties")

# the namespace of ids made from rows: fixed for ever, or a repeated import doubles
_DERIVED: Final = UUID("6f0c1f0e-64a5-5d0c-9d4b-0a4c3d5a7e11")
# what the transport added, and so no part of an event's content
_TRANSPORT: Final = ("received_at", "sent_at", "created_at", "sequence")


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value comes from: a column, or a constant when that is None.

    `kind` is a type of cells.TYPES or `moment`, whose `format` tells its form.
    """

    column: str | None = None
    constant: Any = None
    kind: str = "string"
    format: str = "rfc3339"
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DerivedId:
    """Ids made from key columns; without any, from the event's whole content."""

    columns: tuple[str, ...] = ()
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """Everything that a mapping file says.

    A section is a field of JSON objects, or fields by the name of the property.
    """

    fields: Mapping[str, Field]
    sections: Mapping[str, Field | Mapping[str, Field]] = field(default_factory=dict)
    derived_id: DerivedId | None = None
    timezone: str = ""
    absent: tuple[str, ...] = ()
    dialect: Dialect = field(default_factory=Dialect)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        found = [one.column for one in self.fields.values()]
        for section in self.sections.values():
            inner = [section] if isinstance(section, Field) else section.values()
            found += [one.column for one in inner]
        if self.derived_id is not None:
            found += self.derived_id.columns
        return tuple(dict.fromkeys(name for name in found if name is not None))

    @property
    def digest(self) -> str:
        """Changes when anything that it says does."""
        return sha256(json_text(asdict(self)).encode()).hexdigest()


Reader = Callable[[Sequence[Any]], Any]


class RowReader:
    """A mapping made ready for the rows of one file, whose columns are these."""

    def __init__(self, mapping: TableMapping, columns: Sequence[str]) -> None:
        self._place = {name: place for place, name in enumerate(columns)}
        self._zone = ZoneInfo(mapping.timezone) if mapping.timezone else None
        self._absent = frozenset(("", *mapping.absent))
        self._derived = mapping.derived_id
        self._fields = self._readers(mapping.fields)
        self._name = self._reader(mapping.fields["event_name"])
        self._sections: list[tuple[str, Reader]] = []
        for key, section in mapping.sections.items():
            if isinstance(section, Field):
                self._sections.append((key, self._reader(section)))
            else:
                self._sections.append((key, _object(self._readers(section))))

    def event_name(self, cells: Sequence[Any]) -> str:
        """The row's event name, by itself; empty when it has none."""
        return self._name(cells) or ""

    def event(self, cells: Sequence[Any]) -> dict[str, Any]:
        """The row as an event; what is absent in the row is absent in the event."""
        event = {}
        for key, read in (*self._fields, *self._sections):
            value = read(cells)
            if value is not None:
                event[key] = value
        if self._derived is not None:
            event["event_id"] = self._derived_id(event, cells, self._derived)
        return event

    def _derived_id(
        self, event: Mapping[str, Any], cells: Sequence[Any], derived: DerivedId
    ) -> str:
        content: Any
        if derived.columns:
            keys = [self._cell(cells, self._place[name]) for name in derived.columns]
            content = [None if key is None else text(key).strip() for key in keys]
        else:
            content = {
                key: value for key, value in event.items() if key not in _TRANSPORT
            }
        whole = [derived.namespace, event.get("event_name"), derived.columns, content]
        return str(uuid5(_DERIVED, json_text(whole)))

    def _cell(self, cells: Sequence[Any], place: int) -> Any:
        value = cells[place]
        if value is None or (isinstance(value, str) and value in self._absent):
            return None
        return value

    def _readers(self, fields: Mapping[str, Field]) -> list[tuple[str, Reader]]:
        return [(key, self._reader(one)) for key, one in fields.items()]

    def _reader(self, one: Field) -> Reader:
        if one.column is None:
            return lambda _cells: one.constant
        place, absent, rename = self._place[one.column], self._absent, one.rename
        convert = (
            moment_reader(one.format, self._zone)
            if one.kind == "moment"
            else CONVERTERS[one.kind]
        )

        def read(cells: Sequence[Any]) -> Any:
            value = cells[place]
            if value is None or (isinstance(value, str) and value in absent):
                return None
            if rename:
                value = text(value)
                value = rename.get(value, value)
            return convert(value)

        return read


def _object(readers: list[tuple[str, Reader]]) -> Reader:
    def read(cells: Sequence[Any]) -> dict[str, Any] | None:
        found = {}
        for key, inner in readers:
            value = inner(cells)
            if value is not None:
                found[key] = value
        return found or None

    return read


def by_envelope(columns: Sequence[str], dialect: Dialect) -> TableMapping:
    """The mapping of a table whose columns are named as the envelope's keys."""
    return TableMapping(
        fields={key: Field(key, kind=kind(key)) for key in ENVELOPE if key in columns},
        sections={key: Field(key, kind="json") for key in SECTIONS if key in columns},
        derived_id=None if "event_id" in columns else DerivedId(),
        dialect=dialect,
    )


def kind(key: str) -> str:
    """How the cells of an envelope key are read."""
    if key in MOMENTS:
        return "moment"
    return "integer" if key == "sequence" else "string"
