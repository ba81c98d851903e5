"""The refusals know every function and engine of the engine in use."""

from typing import TYPE_CHECKING

import pytest

from warehouse.clickhouse import rows
from warehouse.embedded.judged import (
    ALLOWED_ENGINES,
    ALLOWED_FUNCTIONS,
    OPEN_SYSTEM_TABLES,
    PRIVATE_SYSTEM_TABLES,
    REFUSED_ENGINES,
    REFUSED_FUNCTIONS,
)

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def names(client: "Client", table: str) -> set[str]:
    found = rows(client, f"select distinct lower(name) as name from system.{table}")
    return {row["name"] for row in found}


def test_every_table_function_is_denied_or_known_to_be_harmless(
    warehouse_client: "Client",
) -> None:
    found = names(warehouse_client, "table_functions")

    assert found - REFUSED_FUNCTIONS.keys() - ALLOWED_FUNCTIONS == set()


@pytest.mark.parametrize("kind", ["table_engines", "database_engines"])
def test_every_engine_is_denied_or_known_to_be_harmless(
    warehouse_client: "Client", kind: str
) -> None:
    found = names(warehouse_client, kind)

    others = found - REFUSED_ENGINES.keys() - ALLOWED_ENGINES
    assert {name for name in others if not name.endswith("mergetree")} == set()


def test_every_system_table_is_private_or_known_to_be_harmless(
    warehouse_client: "Client",
) -> None:
    found = rows(
        warehouse_client, "select name from system.tables where database = 'system'"
    )

    assert {
        row["name"] for row in found
    } - PRIVATE_SYSTEM_TABLES - OPEN_SYSTEM_TABLES == set()


def test_a_kafka_table_is_refused_with_the_reason(warehouse_client: "Client") -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    with pytest.raises(DatabaseError, match="engine Kafka is not available"):
        warehouse_client.command(
            "create table queue (a Int32) engine = Kafka('h:1', 'a', 'b', 'TSV')"
        )
