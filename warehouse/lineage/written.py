"""How a room says what its tables are made of."""

from collections.abc import Iterable, Mapping

from warehouse.generators.tables import tables
from warehouse.lineage.columns import Column
from warehouse.lineage.graph import Made


def made_by(
    room: str,
    table: str,
    made_of: Mapping[str, Iterable[Column]],
    also: tuple[str, ...] = (),
) -> Made:
    """A table of warehouse/ddl with all its columns; nothing is copied into others.

    `also` are tables that are read for no column of it alone.
    """
    known = [one.name for one in tables()[table].columns]
    columns = {name: tuple(made_of.get(name, ())) for name in known}
    return seen_as(room, table, columns, also)


def seen_as(
    room: str,
    table: str,
    columns: Mapping[str, Iterable[Column]],
    also: tuple[str, ...] = (),
) -> Made:
    """The same with the columns as they are given."""
    frozen = {name: frozenset(sources) for name, sources in columns.items()}
    read = {one.table for sources in frozen.values() for one in sources}
    return Made(table, room, tuple(sorted({*read, *also})), frozen)


def columns_of(table: str, names: Iterable[str]) -> list[Column]:
    """Columns of one table, by their names."""
    return [Column(table, name) for name in names]
