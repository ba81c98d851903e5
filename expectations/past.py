"""Whether what was published stays so: a build changes what is new, not what was."""

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


@dataclass(frozen=True, slots=True)
class Kept:
    """A table whose rows of a day are settled two weeks later.

    `settled` is a condition under which a row of a table without days cannot have
    changed; `key` then tells its rows apart. `moving` columns change by themselves.
    """

    database: str
    table: str
    day: str = ""
    key: str = ""
    unchanged: str = ""
    moving: Sequence[str] = ()


MARTS = (
    Kept("marts", "fct_sessions", day="started_on", moving=("session_number",)),
    Kept("marts", "fct_payments", day="paid_on"),
    Kept("marts", "fct_game_sessions", day="started_on"),
    Kept("marts", "fct_page_views", day="viewed_on"),
    Kept("marts", "fct_active_days", day="active_on"),
    Kept("marts", "fct_daily_events", day="day"),
    Kept("marts", "fct_session_sources", day="started_on"),
    Kept("marts", "dim_people", key="person_id", unchanged="last_seen_at, events"),
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

    Days are compared as wholes, `settled` days back and older; people by themselves.
    """
    for table in tables:
        columns = _columns_of_both(client, table)
        if not columns:
            continue
        query = (
            _by_day(table, columns, as_of, settled)
            if table.day
            else _by_key(table, columns)
        )
        for row in rows(client, query):
            if row["compared"]:
                yield Changed(table.table, row["name"], row["changed"], row["compared"])


def _columns_of_both(client: "Client", table: Kept) -> list[str]:
    """Columns that both tables have, of one type; floats are left to other rules."""
    found = rows(
        client,
        "select name from system.columns where table = {table:String}"
        " and database in ({built:String}, {shown:String})"
        " and type not like '%Float%'"
        " group by name having count() = 2 and uniqExact(type) = 1 order by name",
        {
            "table": table.table,
            "built": f"{table.database}_build",
            "shown": table.database,
        },
    )
    both = [row["name"] for row in found]
    compared_by = {table.day or table.key, *filter(None, table.unchanged.split(", "))}
    if not compared_by <= set(both):
        return []
    return [name for name in both if name not in {*compared_by, *table.moving}]


def _by_day(table: Kept, columns: Sequence[str], as_of: date, settled: int) -> str:
    back = _LOOKED_BACK_DAYS[table.database] + settled
    first = as_of - timedelta(days=back)
    sums = ", ".join(f"sum(sipHash64({column}))" for column in columns)
    names = ", ".join(f"'{column}'" for column in columns)

    def summed(database: str) -> str:
        return (
            f"select {table.day} as day, [count(), {sums}] as sums"
            f" from {database}.{table.table} where {table.day} >= toDate('{first}')"
            f" and {table.day} < toDate('{as_of}') - {settled} group by day"
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


def _by_key(table: Kept, columns: Sequence[str]) -> str:
    same = " and ".join(
        f"built.{column} = shown.{column}" for column in table.unchanged.split(", ")
    )
    told = ", ".join(
        f"('{column}', isNotDistinctFrom(built.{column}, shown.{column}))"
        for column in columns
    )
    return (
        "select pair.1 as name, countIf(not pair.2) as changed, count() as compared"
        f" from (select [{told}] as pairs"
        f" from {table.database}_build.{table.table} as built"
        f" inner join {table.database}.{table.table} as shown"
        f" on built.{table.key} = shown.{table.key} where {same})"
        " array join pairs as pair group by name having changed > 0"
    )
