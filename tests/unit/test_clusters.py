"""Where ON CLUSTER and replication come into our own statements."""

import re
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from warehouse.clickhouse import put_on_cluster
from warehouse.clusters import REPLICATED, on_cluster
from warehouse.errors import MigrationFailed, Unavailable
from warehouse.migrations import Migration, released
from warehouse.publishing import publish

PLACE = ", ".join(REPLICATED)


def named(migration: Migration) -> str:
    return migration.name


@pytest.mark.parametrize("migration", released(), ids=named)
def test_without_a_cluster_a_migration_is_sent_as_it_is(migration: Migration) -> None:
    assert on_cluster(migration.statement, "") == migration.statement


@pytest.mark.parametrize("migration", released(), ids=named)
def test_on_a_cluster_a_migration_reaches_all_servers(migration: Migration) -> None:
    said = on_cluster(migration.statement, "three")

    assert re.search(r'(?m)^(create|alter) .* on cluster "three"', said)
    engines = re.findall(r"engine = (\w+)", said)
    assert all(re.fullmatch(r"Replicated\w*MergeTree", one) for one in engines)
    # nothing else changes
    taken_out = said.replace(' on cluster "three"', "")
    taken_out = re.sub(r",\n    replicated_deduplication_window_s.*?\d+", "", taken_out)
    place = rf"Replicated(\w*MergeTree)\({re.escape(PLACE)}"
    taken_out = re.sub(rf"{place}\)", r"\1", taken_out)
    taken_out = re.sub(rf"{place}, ", r"\1(", taken_out)
    taken_out = re.sub(
        r"(?m)^    replicated_dedup", "    non_replicated_dedup", taken_out
    )
    assert taken_out == migration.statement


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("create table a.b as c.d", "create table a.b {on} as c.d"),
        ("create view a.b as select 1", "create view a.b {on} as select 1"),
        ("drop table if exists a.b sync", "drop table if exists a.b {on} sync"),
        ("exchange tables a.b and a.c", "exchange tables a.b and a.c {on}"),
        ("rename table a.b to a.c", "rename table a.b to a.c {on}"),
        ("system sync replica a.b", "system sync replica {on} a.b"),
        (
            "create table a.b (x Int8) engine = ReplacingMergeTree(x) order by x",
            "create table a.b {on} (x Int8) engine = REPLACING order by x",
        ),
    ],
)
def test_a_statement_is_said_to_all_servers(statement: str, said: str) -> None:
    said = said.replace("REPLACING", f"ReplicatedReplacingMergeTree({PLACE}, x)")
    assert on_cluster(statement, "three") == said.replace("{on}", 'on cluster "three"')


def test_as_many_blocks_are_remembered_as_on_one_server_and_for_as_long() -> None:
    said = on_cluster(
        "create table a.b (x Int8) settings non_replicated_deduplication_window = 7",
        "three",
    )

    assert "settings replicated_deduplication_window = 7,\n" in said
    assert said.endswith(" replicated_deduplication_window_seconds = 31536000")


@pytest.mark.parametrize(
    "statement",
    [
        "alter table a.b drop partition 1",
        "truncate table a.b",
        "delete from a.b where x = 1",
        "optimize table a.b",
        "create or replace table a.b clone as c.d",
    ],
)
def test_what_changes_rows_or_is_not_thought_through_is_refused(
    statement: str,
) -> None:
    with pytest.raises(MigrationFailed, match=r"Teach warehouse/clusters\.py"):
        on_cluster(statement, "three")


@dataclass(eq=False)
class Forgetful:
    """A client of a server with one built table, of whose parts none come over."""

    told: list[str] = field(default_factory=list)
    column_names = ("name",)
    result_rows = (("dim_people",),)

    def query(self, _question: str, *, parameters: object) -> "Forgetful":
        assert parameters == {"database": "marts_build"}
        return self

    def command(self, statement: str) -> str:
        self.told.append(statement)
        return "3" if statement.endswith("marts_build.dim_people") else "0"


def test_a_table_that_did_not_come_over_whole_is_not_shown() -> None:
    client = Forgetful()
    put_on_cluster(cast("Any", client), "three")

    with pytest.raises(Unavailable, match=r"0 of 3 rows of marts_build\.dim_people"):
        publish(cast("Any", client), "marts")

    assert not [one for one in client.told if one.startswith(("exchange", "rename"))]
