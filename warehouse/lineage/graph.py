"""The lineage of every column: from dbt's manifest, and what else is added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from warehouse.errors import BadInput
from warehouse.lineage.columns import ROWS, UNKNOWN, Column, sources_of
from warehouse.publishing import BUILD_SUFFIX


@dataclass(frozen=True, slots=True)
class Made:
    """A table, what it is read from, and what each of its columns is made of.

    `unread` says, by column, why its sources could not be told: then it is made of the
    rows of all tables that are read.
    """

    table: str
    by: str
    reads: tuple[str, ...]
    columns: Mapping[str, frozenset[Column]]
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Graph:
    """Tables by name, and every edge between columns in both directions."""

    tables: dict[str, Made] = field(default_factory=dict)
    _uses: dict[Column, set[Column]] = field(default_factory=lambda: defaultdict(set))

    def add(self, made: Made) -> None:
        """Add one table; each name once."""
        self.tables[made.table] = made
        for name, sources in made.columns.items():
            for source in sources:
                self._uses[source].add(Column(made.table, name))

    def sources(self, column: Column) -> list[Column]:
        """What a column is made of, one step back."""
        made = self.tables.get(column.table)
        if made is None:
            return []
        if column.name == ROWS:
            return [Column(table, ROWS) for table in made.reads]
        return sorted(made.columns.get(column.name, ()))

    def uses(self, column: Column) -> list[Column]:
        """What is made of a column, one step on; what counts a table's rows too."""
        of_rows = self._uses.get(Column(column.table, ROWS), set())
        return sorted(self._uses.get(column, set()) | of_rows)

    def everything_before(self, column: Column) -> set[Column]:
        """All that a column comes from, to the end."""
        return self._reached(column, self.sources)

    def everything_after(self, column: Column) -> set[Column]:
        """All that comes from a column, to the end."""
        return self._reached(column, self.uses)

    def columns(self, table: str) -> list[Column]:
        """The columns of a table."""
        return [Column(table, name) for name in self.tables[table].columns]

    def readers(self, table: str) -> list[str]:
        """The tables that read a table."""
        return sorted(one.table for one in self.tables.values() if table in one.reads)

    def find(self, words: str) -> list[Column] | str:
        """A column or, as its name, a table that somebody wrote.

        The database may be left out where one table alone has the name. Raises
        BadInput naming what is near.
        """
        if tables := self._named(words):
            return _the_one(tables, words)
        table, _, name = words.rpartition(".")
        for found in self._named(table):
            if name in self.tables[found].columns:
                return [Column(found, name)]
            raise BadInput(
                f"{found} has no column {name!r}; it has"
                f" {', '.join(self.tables[found].columns)}."
            )
        raise BadInput(
            f"There is no table or column {words!r}. Write marts.fct_events, or"
            " marts.fct_events.person_id; `questlog lineage` lists all tables."
        )

    def _named(self, words: str) -> list[str]:
        if words in self.tables:
            return [words]
        return [name for name in self.tables if name.partition(".")[2] == words]

    @staticmethod
    def _reached(start: Column, step: Any) -> set[Column]:
        found: set[Column] = set()
        left = [start]
        while left:
            for one in step(left.pop()):
                if one not in found:
                    found.add(one)
                    left.append(one)
        return found


def published(table: str) -> str:
    """What readers call a table that is built aside, as marts_build.fct_events is."""
    database, _, name = table.partition(".")
    return f"{database.removesuffix(BUILD_SUFFIX)}.{name}"


def add_models(graph: Graph, manifest: Mapping[str, Any]) -> None:
    """Add dbt's sources, seeds and models, read in the order they are built."""
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for node in _ordered(manifest):
        if node["resource_type"] == "model":
            made = _model(node, manifest, schema)
        else:
            made = _leaf(node)
        graph.add(made)
        database, name = _relation(node)
        types = dict.fromkeys(made.columns, "String")
        schema.setdefault(database, {})[name] = types


def _leaf(node: Mapping[str, Any]) -> Made:
    by = "ingestion" if node["resource_type"] == "source" else "a seed"
    columns = {name: frozenset[Column]() for name in node["columns"]}
    return Made(".".join(_relation(node)), by, (), columns)


def _model(
    node: Mapping[str, Any], manifest: Mapping[str, Any], schema: Mapping[str, Any]
) -> Made:
    table = published(".".join(_relation(node)))
    nodes = manifest["nodes"] | manifest["sources"]
    reads = tuple(
        sorted(
            published(".".join(_relation(nodes[one])))
            for one in node["depends_on"]["nodes"]
        )
    )
    rows = frozenset(Column(one, ROWS) for one in reads)
    try:
        told = sources_of(node["compiled_code"], schema)
    except BadInput as error:
        names = dict.fromkeys(node["columns"], rows)
        return Made(table, "dbt", reads, names, dict.fromkeys(names, str(error)))
    columns: dict[str, frozenset[Column]] = {}
    unread: dict[str, str] = {}
    for name, sources in told.items():
        lost = sorted(one.name for one in sources if one.table == UNKNOWN)
        if lost:
            unread[name] = f"what {', '.join(lost)} is was not found"
        columns[name] = frozenset(
            Column(published(one.table), one.name)
            for one in (rows if lost else sources)
        )
    return Made(table, "dbt", reads, columns, unread)


def _relation(node: Mapping[str, Any]) -> tuple[str, str]:
    name = node.get("alias") or node.get("identifier") or node["name"]
    return str(node["schema"]), str(name)


def _ordered(manifest: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    nodes = {
        key: node
        for key, node in (manifest["sources"] | manifest["nodes"]).items()
        if node["resource_type"] in {"source", "seed", "model"}
    }
    done: dict[str, Mapping[str, Any]] = {}

    def visit(key: str) -> None:
        if key in done or key not in nodes:
            return
        for other in nodes[key].get("depends_on", {}).get("nodes", ()):
            visit(other)
        done[key] = nodes[key]

    for key in sorted(nodes):
        visit(key)
    return done.values()


def _the_one(tables: list[str], words: str) -> str:
    if len(tables) > 1:
        raise BadInput(f"{words} is a table of several databases: {', '.join(tables)}.")
    return tables[0]
