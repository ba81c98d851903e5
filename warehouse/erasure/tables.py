"""Rewrite the tables of the warehouse: a person's rows go, others stop naming them.

Every statement finds ids in `ops.erasing`, so that none of them is written down in
a mutation or a log of queries. Each may be run again, and then finds nothing to do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from warehouse.clickhouse import define, rows
from warehouse.erasure.words import ERASED, Pattern

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

OURS: Final = (
    *("raw", "staging", "intermediate", "marts_build", "marts", "features_build"),
    *("features", "ml", "activation", "ops"),
)
"""Databases whose rows an erasure rewrites. All others are searched only."""
_OWN_TABLES: Final = {"ops.erasing", "ops.erasures"}
# columns that name whose a row is; `id` does in this table alone
_WHOSE: Final = ("own_id", "person_id", "user_id")
_WHOSE_TOO: Final[Mapping[str, str]] = {"raw.identity_links": "id"}
_KEYS: Final = ("own_key", "person_key")
_EVENTS: Final = ("event_id", "refusal_id")
_SETTINGS: Final = (
    "settings mutations_sync = 2, allow_nondeterministic_mutations = 1,"
    " validate_mutation_query = 0"
)
_NEEDLES: Final = 250
_RAW_OWN: Final = "if(user_id != '', user_id, concat('anon:', anonymous_id))"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that holds rows; columns with their types, and which order it."""

    database: str
    name: str
    columns: Mapping[str, str]
    ordering: frozenset[str]

    @property
    def full(self) -> str:
        """As statements name it."""
        return f"{self.database}.{self.name}"

    @property
    def texts(self) -> list[str]:
        """The columns that may hold a text."""
        return [name for name, kind in self.columns.items() if _is_text(kind)]


def tables(client: "Client") -> list[Table]:
    """Every table that holds rows, but for the engine's own; raw first."""
    found: dict[tuple[str, str], Table] = {}
    for row in rows(client, _COLUMNS):
        key = (row["database"], row["table"])
        known = found.get(key) or Table(*key, {}, frozenset())
        ordering = known.ordering | ({row["name"]} if row["orders"] else set())
        columns = {**known.columns, row["name"]: row["type"]}
        found[key] = Table(*key, columns, frozenset(ordering))
    return sorted(
        (one for one in found.values() if one.full not in _OWN_TABLES),
        key=lambda one: (one.database != "raw", one.full),
    )


_COLUMNS: Final = """
select
    columns.database as database, columns.table as table, columns.name as name,
    columns.type as type,
    columns.is_in_sorting_key or columns.is_in_partition_key as orders
from system.columns as columns
inner join system.tables as tables
    on columns.database = tables.database and columns.table = tables.name
where tables.engine like '%MergeTree'
    and columns.database not in ('system', 'information_schema', 'INFORMATION_SCHEMA')
    and columns.default_kind != 'ALIAS'
order by columns.database, columns.table, columns.position
"""


def whose(table: Table, erasure: str) -> str:
    """The condition of a person's rows in a table; empty where no row is a person's."""
    columns = table.columns
    ids = _told(erasure, "own_id")
    conditions = [f"{one} in {ids}" for one in _WHOSE if one in columns]
    if extra := _WHOSE_TOO.get(table.full):
        conditions.append(f"{extra} in {ids}")
    if "anonymous_id" in columns and "own_id" not in columns:
        nameless = "user_id = '' and " if "user_id" in columns else ""
        conditions.append(f"({nameless}concat('anon:', anonymous_id) in {ids})")
        if "event_id" not in columns:
            # what is known of a device, whoever else it was once declared to be of
            conditions.append(f"anonymous_id in {_told(erasure, 'device')}")
    keys = _told(erasure, "own_id", "own_key")
    conditions += [f"{one} in {keys}" for one in _KEYS if one in columns]
    if table.name == "refused_events" or not conditions:
        conditions += [
            f"toString({one}) in {_told(erasure, one.removesuffix('_id'))}"
            for one in _EVENTS
            if one in columns
        ]
    return " or ".join(conditions)


def remove(client: "Client", table: Table, erasure: str) -> int:
    """Rewrite a table without the person's rows; how many there were."""
    condition = whose(table, erasure)
    if not condition:
        return 0
    _rewrite_masked(client, table)
    found = count(client, table, erasure)
    if found:
        client.command(f"alter table {table.full} delete where {condition} {_SETTINGS}")
    return found


def count(client: "Client", table: Table, erasure: str) -> int:
    """How many rows of a table are the person's."""
    condition = whose(table, erasure)
    if not condition:
        return 0
    asked = f"select count() as found from {table.full} where {condition}"
    found: int = rows(client, asked)[0]["found"]
    return found


def left(
    client: "Client", table: Table, erasure: str, patterns: Sequence[Pattern]
) -> list[str]:
    """Where a table still has a row of the person, or names them: by column."""
    named = list(mentions(client, table, erasure, patterns))
    mine = table.database in OURS and count(client, table, erasure)
    return [*(["rows"] if mine else []), *named]


def _rewrite_masked(client: "Client", table: Table) -> None:
    """Rows that a build deleted lightly lie in the parts still: take them out."""
    masked = rows(
        client,
        "select count() as parts from system.parts where active"
        " and database = {database:String} and table = {table:String}"
        " and has_lightweight_delete",
        {"database": table.database, "table": table.name},
    )
    if masked[0]["parts"]:
        client.command(f"alter table {table.full} apply deleted mask {_SETTINGS}")


def mentions(
    client: "Client", table: Table, erasure: str, patterns: Sequence[Pattern]
) -> dict[str, int]:
    """Rows that name the person, by column: every column that may hold a text."""
    counted = {
        name: " or ".join(
            f"({_names(name, table.columns[name], erasure, pattern)})"
            for pattern in patterns
            if pattern.is_for(name)
        )
        for name in table.texts
    }
    asked = {name: condition for name, condition in counted.items() if condition}
    if not asked:
        return {}
    counts = ", ".join(
        f"countIf({condition}) as found_{number}"
        for number, condition in enumerate(asked.values())
    )
    (answer,) = rows(client, f"select {counts} from {table.full}")
    return {
        name: found for name, found in zip(asked, answer.values(), strict=True) if found
    }


def redact(
    client: "Client",
    table: Table,
    erasure: str,
    patterns: Sequence[Pattern],
    columns: Iterable[str],
) -> None:
    """Put `erased` in the place of every id in some columns of a table."""
    changed = {
        name: _redacted(name, table.columns[name], erasure, patterns)
        for name in columns
        if name not in table.ordering and _is_rewritable(table.columns[name])
    }
    if not changed:
        return
    where = " or ".join(
        f"({_names(name, table.columns[name], erasure, pattern)})"
        for name in changed
        for pattern in patterns
        if pattern.is_for(name)
    )
    put = ", ".join(f"{name} = {value}" for name, value in changed.items())
    client.command(f"alter table {table.full} update {put} where {where} {_SETTINGS}")


def list_for(client: "Client", erasure: str, told: Mapping[str, Iterable[str]]) -> None:
    """Note what an erasure looks for, by kind. Again is harmless."""
    values = [[erasure, kind, one] for kind, words in told.items() for one in words]
    if values:
        client.insert("ops.erasing", values, ["erasure_id", "kind", "told"])


def list_events(client: "Client", erasure: str) -> None:
    """Note the ids of the person's events, for tables that know nothing else."""
    client.command(
        "insert into ops.erasing (erasure_id, kind, told)"
        f" select distinct '{erasure}', 'event', toString(event_id) from raw.events"
        f" where {_RAW_OWN} in {_told(erasure, 'own_id')}"
    )


def unlist(client: "Client", erasure: str) -> None:
    """Forget what an erasure looked for."""
    define(client, f"alter table ops.erasing drop partition '{erasure}'")


def unlist_strays(client: "Client", under_way: Iterable[str]) -> None:
    """Forget what a rehearsal looked for that was killed before it could forget it."""
    listed = rows(client, "select distinct toString(erasure_id) as id from ops.erasing")
    for row in listed:
        if row["id"] not in set(under_way):
            unlist(client, row["id"])


def loads_to_stage_again(client: "Client", own_ids: Sequence[str]) -> list[str]:
    """Loads that staging must take once more when the person is gone, as their moments.

    Those of the person that it has not taken whole, and those in which others sent
    copies of the person's events: of the copies that are left another is the first.
    """
    if not _is_staged(client):
        return []
    theirs = f"{_RAW_OWN} in {{ids:Array(String)}}"
    found = rows(
        client,
        f"""
        select toString(loads.loaded_at) as load from staging.stg_loads as loads
        inner join (
            select loaded_at, count() as copies from raw.events
            where loaded_at in (select loaded_at from raw.events where {theirs})
            group by loaded_at
        ) as present on loads.loaded_at = present.loaded_at
        where loads.copies != present.copies
        union distinct
        select distinct toString(loaded_at) as load from raw.events
        where
            event_id in (select event_id from raw.events where {theirs})
            and not {theirs}
        """,
        {"ids": list(own_ids)},
    )
    return [row["load"] for row in found]


def settle_loads(client: "Client", again: Sequence[str]) -> None:
    """Tell staging how many copies its loads have now, so that it follows on.

    Some it must take again, whatever their number.
    """
    if not _is_staged(client):
        return
    gone = "loaded_at not in (select loaded_at from raw.events)"
    if again:
        listed = ", ".join(f"toDateTime64('{one}', 3, 'UTC')" for one in again)
        gone += f" or loaded_at in ({listed})"
    client.command(f"alter table staging.stg_loads delete where {gone} {_SETTINGS}")
    fewer = rows(
        client,
        """
        select toString(loaded_at) as load, present.copies as copies
        from staging.stg_loads as loads
        inner join (
            select loaded_at, count() as copies from raw.events group by loaded_at
        ) as present on loads.loaded_at = present.loaded_at
        where present.copies < loads.copies
        """,
    )
    if fewer:
        moments = ", ".join(f"'{row['load']}'" for row in fewer)
        copies = ", ".join(str(row["copies"]) for row in fewer)
        client.command(
            "alter table staging.stg_loads update copies = transform("
            f"toString(loaded_at), [{moments}], [{copies}], copies)"
            f" where toString(loaded_at) in ({moments}) {_SETTINGS}"
        )


def _is_staged(client: "Client") -> bool:
    return bool(
        rows(
            client,
            "select 1 from system.tables"
            " where database = 'staging' and name = 'stg_loads'",
        )
    )


def _told(erasure: str, kind: str, column: str = "told") -> str:
    return (
        f"(select {column} from ops.erasing where erasure_id = '{erasure}'"
        f" and kind = '{kind}')"
    )


def _names(column: str, kind: str, erasure: str, pattern: Pattern) -> str:
    """The condition that a column's text has an id by one of the patterns."""
    told = _told(erasure, pattern.kind, "any(told)")
    if not _is_rewritable(kind):
        return f"match(toString({column}), {told})"
    if kind.startswith("Array("):
        return f"arrayExists(one -> match(one, {told}), {column})"
    if not pattern.in_texts:
        return f"match({column}, {told})"
    words = _told(erasure, "word", f"groupUniqArray({_NEEDLES})(told)")
    # needles are found at the speed of memory, patterns are not
    few = _told(erasure, "word", f"uniqExact(told) > {_NEEDLES}")
    return f"({few} or multiSearchAny({column}, {words})) and match({column}, {told})"


def _redacted(column: str, kind: str, erasure: str, patterns: Sequence[Pattern]) -> str:
    value = "one" if kind.startswith("Array(") else column
    for pattern in patterns:
        if pattern.is_for(column):
            told = _told(erasure, pattern.kind, "any(told)")
            value = f"replaceRegexpAll({value}, {told}, '\\\\1{ERASED}\\\\2')"
    return f"arrayMap(one -> {value}, {column})" if kind.startswith("Array(") else value


def _is_text(kind: str) -> bool:
    return "String" in kind.replace("FixedString", "")


_PLAIN: Final = frozenset(
    {
        *("String", "Nullable(String)", "LowCardinality(String)"),
        "LowCardinality(Nullable(String))",
    }
)


def _is_rewritable(kind: str) -> bool:
    bare = kind.removeprefix("Array(").removesuffix(")") if _is_array(kind) else kind
    return bare in _PLAIN


def _is_array(kind: str) -> bool:
    return kind.startswith("Array(")


def searched(found: Iterable[Table]) -> int:
    """How many columns a search looks through."""
    return sum(len(one.texts) for one in found)


def ours(found: Iterable[Table]) -> Iterator[Table]:
    """Those that an erasure rewrites."""
    return (one for one in found if one.database in OURS)
