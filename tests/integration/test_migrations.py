"""Migrations and partitions on the engine."""

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from warehouse.clickhouse import frame, replace_partition, rows
from warehouse.errors import BadInput, MigrationFailed
from warehouse.migrations import Migration, migrate, released

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

DAY, NEXT_DAY = dt.date(2026, 3, 1), dt.date(2026, 3, 2)


def test_all_released_migrations_are_applied_once(warehouse_client: "Client") -> None:
    again = migrate(warehouse_client)

    assert again == []
    recorded = rows(warehouse_client, "select name from ops.migrations order by number")
    assert [row["name"] for row in recorded] == [m.name for m in released()]


def test_a_released_migration_that_was_changed_is_refused(
    warehouse_client: "Client",
) -> None:
    first = released()[0]
    changed = replace(first, statement=first.statement + " ")

    with pytest.raises(MigrationFailed, match=f"{first.name} was changed"):
        migrate(warehouse_client, [changed])


def test_a_failing_migration_is_named_and_goes_on_from_there(
    warehouse_client: "Client",
) -> None:
    before = Migration(60001, "60001_before", "create database if not exists tried_a")
    broken = Migration(60002, "60002_broken", "create nonsense")
    mended = replace(broken, statement="create database if not exists tried_b")

    with pytest.raises(MigrationFailed, match="60002_broken failed"):
        migrate(warehouse_client, [before, broken])
    done = migrate(warehouse_client, [before, mended])

    assert done == ["60002_broken"]
    warehouse_client.command("drop database tried_a")
    warehouse_client.command("drop database tried_b")
    warehouse_client.command(
        "alter table ops.migrations delete where number > 60000",
        settings={"mutations_sync": 2},
    )


def test_a_run_killed_before_it_could_note_a_table_is_taken_up(
    warehouse_client: "Client",
) -> None:
    made = "create table ops.tried_twice (day Date) engine = MergeTree order by day"
    warehouse_client.command(made)

    done = migrate(warehouse_client, [Migration(60003, "60003_twice", made)])

    assert done == ["60003_twice"]
    warehouse_client.command("drop table ops.tried_twice sync")
    warehouse_client.command(
        "alter table ops.migrations delete where number > 60000",
        settings={"mutations_sync": 2},
    )


def test_two_files_of_one_number_are_refused(tmp_path: "Path") -> None:
    for name in ("0001_a.sql", "0001_b.sql"):
        (tmp_path / name).write_text("select 1")

    with pytest.raises(MigrationFailed, match="same number"):
        released(tmp_path)


@pytest.fixture
def scores(warehouse_client: "Client") -> str:
    """A table of two days with two rows each."""
    warehouse_client.command(
        "create or replace table ops.tried_scores"
        " (day Date, person String, score Float64)"
        " engine = MergeTree partition by day order by person"
    )
    warehouse_client.insert(
        "ops.tried_scores",
        [[day, person, 0.5] for day in (DAY, NEXT_DAY) for person in ("ann", "bob")],
        column_names=["day", "person", "score"],
    )
    return "ops.tried_scores"


def _replace(client: "Client", table: str, values: list[list[object]]) -> None:
    replace_partition(
        client,
        table=table,
        partition=f"'{DAY}'",
        columns=["day", "person", "score"],
        values=values,
    )


def test_a_partition_is_replaced_exactly(
    warehouse_client: "Client", scores: str
) -> None:
    for _ in range(2):
        _replace(warehouse_client, scores, [[DAY, "eve", 0.25]])

    found = frame(warehouse_client, f"select * from {scores} order by day, person")
    assert found["person"].tolist() == ["eve", "ann", "bob"]
    assert found["score"].tolist() == [0.25, 0.5, 0.5]


def test_a_partition_replaced_by_nothing_is_empty(
    warehouse_client: "Client", scores: str
) -> None:
    _replace(warehouse_client, scores, [])

    found = rows(
        warehouse_client, f"select day, count() as n from {scores} group by day"
    )
    assert found == [{"day": NEXT_DAY, "n": 2}]


def test_rows_of_another_partition_are_refused_and_change_nothing(
    warehouse_client: "Client", scores: str
) -> None:
    eves = [[day, "eve", 0.25] for day in (DAY, NEXT_DAY)]
    with pytest.raises(BadInput, match="2 partitions"):
        _replace(warehouse_client, scores, eves)
    with pytest.raises(DatabaseError):
        _replace(warehouse_client, scores, eves[1:])

    assert warehouse_client.command(f"select count() from {scores}") == 4


def test_nothing_is_left_beside_a_replaced_partition(
    warehouse_client: "Client", scores: str
) -> None:
    _replace(warehouse_client, scores, [[DAY, "eve", 0.25]])

    left = rows(
        warehouse_client,
        "select name from system.tables where database = 'ops' and name like 'tried%'",
    )
    assert left == [{"name": "tried_scores"}]
