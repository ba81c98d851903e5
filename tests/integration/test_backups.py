"""A warehouse is brought back from its backup, row for row."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from warehouse.backups import backup, restore
from warehouse.clickhouse import connect
from warehouse.errors import BadInput
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    import subprocess

    from clickhouse_connect.driver.client import Client

Running = Callable[[Settings], AbstractContextManager["subprocess.Popen[bytes]"]]


def contents(client: "Client") -> dict[str, tuple[int, int]]:
    """Rows and a checksum over them, by table."""
    names = client.query(
        "select concat(database, '.`', name, '`') from system.tables where database"
        " not in ('system', '_overlay', 'information_schema', 'INFORMATION_SCHEMA')"
    ).result_rows
    checksum = "select count(), sum(cityHash64(*)) from"
    return {
        name: tuple(client.query(f"{checksum} {name}").result_rows[0])
        for (name,) in names
    }


def test_a_restored_warehouse_has_the_rows_and_checksums_of_the_backup(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> None:
    settings = new_settings()
    with run_endpoint(settings), connect(settings) as client:
        migrate(client)
        client.command(
            "create table things (id UInt64, name String)"
            " engine = MergeTree order by id"
        )
        client.command("create table seen (id UInt64) engine = MergeTree order by id")
        client.command(
            "create materialized view seeing to seen as select id from things"
        )
        client.command("insert into things select number, number from numbers(100000)")
        client.command(
            "alter table things delete where id % 3 = 0 settings mutations_sync = 2"
        )
        before = contents(client)

        backup(client, "monday")
        with pytest.raises(BadInput, match="There is a backup monday already"):
            backup(client, "monday")
        with pytest.raises(BadInput, match="restored into an empty one only"):
            restore(client, "monday")
    (settings.home / "clickhouse").rename(settings.home / "clickhouse.lost")

    with run_endpoint(settings), connect(settings) as client:
        with pytest.raises(BadInput, match="There is no backup tuesday"):
            restore(client, "tuesday")
        restored = restore(client, "monday")
        after = contents(client)

    assert after == before
    assert restored == len(before)
    assert before["default.`things`"][0] == 66_666


@pytest.mark.parametrize("name", ["../x", "", "a b", "x'", ".hidden"])
def test_a_backup_has_a_plain_name(warehouse_client: "Client", name: str) -> None:
    with pytest.raises(BadInput, match="cannot be the name of a backup"):
        backup(warehouse_client, name)
