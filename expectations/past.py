"""Whether what was published stays so: a build changes what is new, not what was.

Late events, and devices that turn out to be somebody's, change a few rows of any day:
of settled rows a hundredth may differ, of a day's ids a tenth may be gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SETTLED_DAYS = 14
"""Days after which hardly anything comes late."""

_LOOKED_BACK_DAYS = {"marts": 45, "features": 400}
"""By database: a mart has a slice a day, features have one every four weeks."""

_ROWS_LOOKED_AT = 1_000_000
_FEW, _FEW_OF_A_HUNDRED = 3, 0.01
_GONE = 0.1


@dataclass(frozen=True, slots=True)
class Kept:
    """A table whose rows, told apart by `key`, are settled two weeks after their `day`.

    `unchanged` names columns of a table without days: rows that agree in them cannot
    differ in others. `moving` columns change by themselves. A table without a key has
    slices that do not change at all.
    """

    database: str
    table: str
    day: str = ""
    key: str = ""
    unchanged: Sequence[str] = ()
    moving: Sequence[str] = ()


_WHOSE = ("person_id", "session_id")
MARTS = (
    Kept(
        "marts",
        "fct_sessions",
        day="started_on",
        key="session_id",
        moving=(*_WHOSE, "session_number"),
    ),
    Kept("marts", "fct_payments", day="paid_on", key="event_id", moving=_WHOSE),
    Kept("marts", "fct_game_sessions", day="started_on", key="event_id", moving=_WHOSE),
    Kept("marts", "fct_page_views", day="viewed_on", key="event_id", moving=_WHOSE),
    Kept(
        "marts",
        "fct_session_sources",
        day="started_on",
        key="session_id",
        moving=_WHOSE,
    ),
    Kept("marts", "dim_people", key="person_id", unchanged=("last_seen_at", "events")),
)
FEATURES = (Kept("features", "feat_people", day="as_of"),)
"""Outcomes are not among them: they go on until their horizon ends."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How many of the things compared changed in one column of a table."""

    table: str
    column: str
    changed: int
    compared: int

    @property
    def share(self) -> float:
        """The part of what was compared."""
        return self.changed / self.compared


def changes(
    client: "Client", tables: Sequence[Kept], as_of: date, *, settled: int
) -> Iterator[Changed]:
    """Columns of built tables that differ from the published ones where none should.

    Rows of a table with a key are compared one by one, of large ones a part; slices of
    one without a key as wholes, `settled` days back and older.
    """
    for table in tables:
        columns = _columns_of_both(client, table)
        if not columns:
            continue
        if table.key:
            part = max(1, _rows_of(client, table) // _ROWS_LOOKED_AT)
            queries = [_by_key(table, columns, as_of, settled, part)]
            if table.day:
                queries.append(_gone(table, as_of, settled, part))
        else:
            queries = [_by_day(table, columns, as_of, settled)]
        for query in queries:
            for row in rows(client, query):
                if row["compared"]:
                    yield Changed(
                        table.table, row["name"], row["changed"], row["compared"]
                    )


def _rows_of(client: "Client", table: Kept) -> int:
    found = rows(
        client,
        "select max(total_rows) as n from system.tables where name = {table:String}"
        " and database in ({built:String}, {shown:String})",
        _names(table),
    )
    return int(found[0]["n"] or 0)


def _names(table: Kept) -> dict[str, str]:
    return {
        "table": table.table,
        "built": f"{table.database}_build",
        "shown": table.database,
    }


def _columns_of_both(client: "Client", table: Kept) -> list[str]:
    """Columns that both tables have, of one type; floats are left to other rules."""
    found = rows(
        client,
        "select name from system.columns where table = {table:String}"
        " and database in ({built:String}, {shown:String})"
        " and type not like '%Float%'"
        " group by name having count() = 2 and uniqExact(type) = 1 order by name",
        _names(table),
    )
    both = [row["name"] for row in found]
    compared_by = {table.day, table.key, *table.unchanged} - {""}
    if not compared_by <= set(both):
        return []
    return [name for name in both if name not in {*compared_by, *table.moving}]


def _settled(table: Kept, as_of: date, settled: int) -> str:
    back = _LOOKED_BACK_DAYS[table.database] + settled
    first = as_of - timedelta(days=back)
    return (
        f"{table.day} >= toDate('{first}') and {table.day} < toDate('{as_of}')"
        f" - {settled}"
    )


def _by_day(table: Kept, columns: Sequence[str], as_of: date, settled: int) -> str:
    """How many slices differ in a column, each compared as a whole."""
    sums = ", ".join(f"sum(sipHash64({column}))" for column in columns)
    names = ", ".join(f"'{column}'" for column in columns)

    def summed(database: str) -> str:
        return (
            f"select {table.day} as day, [count(), {sums}] as sums"
            f" from {database}.{table.table}"
            f" where {_settled(table, as_of, settled)} group by day"
        )

    nothing = f"arrayWithConstant({len(columns) + 1}, toUInt64(0))"
    return (
        "select pair.1 as name, countIf(pair.2 != pair.3) as changed,"
        f" count() as compared from (select arrayZip(['rows', {names}], shown.sums,"
        f" if(empty(built.sums), {nothing}, built.sums)) as pairs"
        f" from ({summed(table.database)}) as shown"
        f" left join ({summed(table.database + '_build')}) as built"
        " on shown.day = built.day) array join pairs as pair"
        " group by name having changed > 0"
    )


def _looked_at(table: Kept, database: str, as_of: date, settled: int, part: int) -> str:
    """SQL of the settled rows of a table, or of the same part of them."""
    when = _settled(table, as_of, settled) if table.day else "true"
    return (
        f"(select * from {database}.{table.table} where {when}"
        f" and sipHash64({table.key}) % {part} = 0)"
    )


def _by_key(
    table: Kept, columns: Sequence[str], as_of: date, settled: int, part: int
) -> str:
    """How many rows differ in a column, among those that both tables have."""
    built, shown = (
        _looked_at(table, database, as_of, settled, part)
        for database in (f"{table.database}_build", table.database)
    )
    same = " and ".join(f"built.{one} = shown.{one}" for one in table.unchanged)
    told = ", ".join(
        f"('{column}', isNotDistinctFrom(built.{column}, shown.{column}))"
        for column in columns
    )
    return (
        "select pair.1 as name, countIf(not pair.2) as changed, count() as compared"
        f" from (select [{told}] as pairs from {built} as built inner join {shown} as"
        f" shown on built.{table.key} = shown.{table.key} where {same or 'true'})"
        " array join pairs as pair group by name"
        f" having changed >= {_FEW} and changed >= {_FEW_OF_A_HUNDRED} * compared"
    )


def _gone(table: Kept, as_of: date, settled: int, part: int) -> str:
    """On how many days a tenth of the rows that are shown is not there any more."""
    built, shown = (
        _looked_at(table, database, as_of, settled, part)
        for database in (f"{table.database}_build", table.database)
    )
    return (
        f"select 'rows' as name, countIf(gone >= {_FEW} and gone >= {_GONE} * known)"
        f" as changed, count() as compared from (select {table.day} as day,"
        f" countIf({table.key} not in (select {table.key} from {built})) as gone,"
        f" count() as known from {shown} group by day) having changed > 0"
    )
