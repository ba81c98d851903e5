"""Mappings over JSON objects: where a table has columns, an object has paths."""

from collections.abc import Mapping, Sequence
from typing import Any, overload

from ingestion import mapping_file
from ingestion.csv_rows import Dialect
from ingestion.mapping import RowReader, TableMapping
from warehouse.taxonomy.source import Place, Source


class AnyPath(Sequence[str]):
    """Columns of which each may be there: nobody knows what an object will hold."""

    def count(self, value: Any) -> int:
        """One of each."""
        return int(isinstance(value, str))

    def __len__(self) -> int:
        return 0

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        raise IndexError(place)


def at(path: str, found: Any) -> Any:
    """What an object holds at a path like `data.object.id`; None when nothing.

    A key that itself holds dots is found as well; a number is a place in an array.
    """
    if isinstance(found, Mapping) and path in found:
        return found[path]
    head, dot, rest = path.partition(".")
    if isinstance(found, list) and head.isdecimal() and int(head) < len(found):
        inner = found[int(head)]
    elif isinstance(found, Mapping):
        inner = found.get(head)
    else:
        return None
    return at(rest, inner) if dot else inner


class PathReader:
    """A mapping made ready for objects."""

    def __init__(self, mapping: TableMapping) -> None:
        self.paths = mapping.columns
        self._reader = RowReader(mapping, self.paths)

    def event(self, found: Any) -> dict[str, Any]:
        """An object as an event; what is absent in the one is absent in the other."""
        return self._reader.event([at(path, found) for path in self.paths])


def mapping_of(said: Mapping[str, Any], source: Source, place: Place) -> TableMapping:
    """The mapping that stands at a place of a file; faults are noted in the source."""
    inner = Source(
        source.file,
        dict(said),
        {
            here[len(place) :]: line
            for here, line in source.lines.items()
            if here[: len(place)] == place
        },
    )
    found = mapping_file.noted(inner, AnyPath(), Dialect())
    source.faults += inner.faults
    return found
