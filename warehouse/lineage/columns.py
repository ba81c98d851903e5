"""Read from a query which columns each of its columns is made of.

Only what a value is made of counts: a column that filters, joins or orders decides
which rows there are, and is told by the lineage of tables. What is counted is told as
the rows of the tables it is counted over.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from warehouse.errors import BadInput

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

ROWS = "*"
"""In place of a column: the rows of a table, as a count is made of them."""

_DIALECT = "clickhouse"


UNKNOWN = ""
"""In place of a table: a name whose meaning is ClickHouse's own, and was not found."""


class Column(NamedTuple):
    """A column of a table such as marts.fct_events."""

    table: str
    name: str

    def __str__(self) -> str:
        """As one would write it."""
        return f"{self.table}.{self.name}"


Schema = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Columns with types, by table, by database."""


def sources_of(query: str, schema: Schema) -> dict[str, frozenset[Column]]:
    """The sources of each column that a query selects, by its name.

    Of a table `UNKNOWN` where some of a column's sources could not be found. Raises
    BadInput, with the reason, where the query cannot be read.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    try:
        parsed = sqlglot.parse_one(query, dialect=_DIALECT)
        whole = qualify(
            parsed,
            dialect=_DIALECT,
            schema={db: dict(tables) for db, tables in schema.items()},
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(whole)
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        raise BadInput(f"sqlglot does not read it: {said}") from error
    if scope is None:
        raise BadInput("it selects nothing")
    reader = _Reader()
    return {name: reader.sources(scope, name) for name in _names(scope)}


class _Reader:
    """Walks the scopes of one query, each column of each scope once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], frozenset[Column]] = {}

    def sources(self, scope: "Scope", name: str) -> frozenset[Column]:
        key = (id(scope), name)
        if key not in self._known:
            # a column that is made of itself, in a recursion, adds nothing
            self._known[key] = frozenset()
            self._known[key] = frozenset(self._found(scope, name))
        return self._known[key]

    def _found(self, scope: "Scope", name: str) -> Iterator[Column]:
        if scope.set_operation_scopes:
            place = _names(scope).index(name)
            for side in scope.set_operation_scopes:
                yield from self.sources(side, _names(side)[place])
            return
        selected = [one for one in _selects(scope) if one.alias_or_name == name]
        if not selected and name in _names(scope):
            raise BadInput(f"it selects {name} by a star that cannot be spelled out")
        for expression in selected:
            yield from self._of(scope, expression)

    def _of(self, scope: "Scope", expression: "exp.Expr") -> Iterator[Column]:
        from sqlglot import exp

        columns = list(expression.find_all(exp.Column))
        inner = [
            child
            for child in scope.subquery_scopes
            if any(node is child.expression for node in expression.walk())
        ]
        for column in columns:
            if not any(_lies_in(column, child.expression) for child in inner):
                yield from self._of_column(scope, column, expression)
        for child in inner:
            for name in _names(child):
                yield from self.sources(child, name)
        if not columns and not inner and expression.find(exp.AggFunc, exp.Window):
            yield from self._rows(scope)

    def _of_column(
        self, scope: "Scope", column: "exp.Column", inside: "exp.Expr"
    ) -> Iterator[Column]:
        from sqlglot import exp

        name = column.name
        if not column.table:
            if not _is_argument(column):
                yield from self._of_word(scope, name, inside)
            return
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            yield from _of_table(source, name)
        elif source is not None:
            yield from self.sources(source, name)
        else:
            # `word.1` is an element of a tuple
            yield from self._of_word(scope, column.table, inside)

    def _of_word(
        self, scope: "Scope", name: str, inside: "exp.Expr"
    ) -> Iterator[Column]:
        """A name without a table: a sibling's alias, or what an array is joined as."""
        from sqlglot import exp

        for other in _selects(scope):
            if other.alias == name and other is not inside:
                yield from self.sources(scope, name)
                return
        for join in scope.expression.args.get("joins") or []:
            for joined in (join.this, *join.expressions):
                if joined is not None and joined.alias_or_name == name:
                    yield from self._of(scope, joined)
                    return
        value = scope.sources.get(name)
        if value is None or isinstance(value, exp.Table):
            yield Column(UNKNOWN, name)
            return
        # `with (select …) as word`: one row, whose columns are the word's elements
        for selected in _names(value):
            yield from self.sources(value, selected)

    def _rows(self, scope: "Scope") -> Iterator[Column]:
        from sqlglot import exp

        for side in scope.set_operation_scopes:
            yield from self._rows(side)
        for _, source in scope.selected_sources.values():
            if isinstance(source, exp.Table):
                yield from _of_table(source, ROWS)
            else:
                yield from self._rows(source)


def _of_table(table: "exp.Table", name: str) -> Iterator[Column]:
    """A column of a table; what a function such as numbers() gives is made here."""
    if table.db:
        yield Column(f"{table.db}.{table.name}", name)


def _is_argument(column: "exp.Column") -> bool:
    """Whether a name is an argument of the lambda around it."""
    from sqlglot import exp

    above = column.find_ancestor(exp.Lambda)
    while above is not None:
        if column.name in {argument.name for argument in above.expressions}:
            return True
        above = above.find_ancestor(exp.Lambda)
    return False


def _selects(scope: "Scope") -> "list[exp.Expr]":
    query = cast("exp.Query", scope.expression)
    return list(query.selects)


def _names(scope: "Scope") -> list[str]:
    query = cast("exp.Query", scope.expression)
    return list(query.named_selects)


def _lies_in(node: "exp.Expr", other: "exp.Expr") -> bool:
    above: exp.Expr | None = node
    while above is not None:
        if above is other:
            return True
        above = above.parent
    return False
