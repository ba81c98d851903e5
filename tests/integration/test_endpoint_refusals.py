"""The refusals know every function and engine of the engine in use."""

from typing import TYPE_CHECKING

import pytest

from warehouse.clickhouse import rows
from warehouse.embedded.refusals import DENIED_ENGINES, DENIED_FUNCTIONS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HARMLESS_FUNCTIONS = {
    *("dictionary", "format", "fuzzjson", "generate_series", "generaterandom"),
    *("generateseries", "input", "loop", "merge", "mergetreeanalyzeindexes"),
    *("mergetreeanalyzeindexesuuid", "mergetreecodecblockcounts", "mergetreeindex"),
    *("mergetreeprojection", "mergetreetextindex", "null", "numbers", "numbers_mt"),
    *("primes", "sqlstandardvalues", "timeseriesdata", "timeseriesmetricfamilies"),
    *("timeseriesmetrics", "timeseriessamples", "timeseriesselector"),
    *("timeseriestags", "values", "view", "viewexplain", "viewifpermitted", "zeros"),
    "zeros_mt",
}
HARMLESS_ENGINES = {
    *("alias", "atomic", "buffer", "dictionary", "fuzzjson", "fuzzquery"),
    *("generaterandom", "join", "log", "loop", "materializedview", "memory", "merge"),
    *("null", "ordinary", "set", "stripelog", "timeseries", "tinylog", "view"),
}


def names(client: "Client", table: str) -> set[str]:
    found = rows(client, f"select distinct lower(name) as name from system.{table}")
    return {row["name"] for row in found}


def test_every_table_function_is_denied_or_known_to_be_harmless(
    warehouse_client: "Client",
) -> None:
    found = names(warehouse_client, "table_functions")

    assert found - DENIED_FUNCTIONS - HARMLESS_FUNCTIONS == set()


@pytest.mark.parametrize("kind", ["table_engines", "database_engines"])
def test_every_engine_is_denied_or_known_to_be_harmless(
    warehouse_client: "Client", kind: str
) -> None:
    found = names(warehouse_client, kind)

    others = found - DENIED_ENGINES - HARMLESS_ENGINES
    assert {name for name in others if not name.endswith("mergetree")} == set()


def test_a_kafka_table_is_refused_with_the_reason(warehouse_client: "Client") -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    with pytest.raises(DatabaseError, match="engine Kafka is not available"):
        warehouse_client.command(
            "create table queue (a Int32) engine = Kafka('h:1', 'a', 'b', 'TSV')"
        )
