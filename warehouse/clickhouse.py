"""The one way to ClickHouse: the only module that imports clickhouse_connect."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from warehouse import clusters
from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

_HOW_TO_START = (
    "Start the local stack with `make up`, or set CLICKHOUSE_HOST to your server."
)
_ERROR_NAME = re.compile(r"\(([A-Z][A-Z_]+)\)")
_AUTHENTICATION_FAILED = "code: 516"

_CLUSTERS: "WeakKeyDictionary[Client, str]" = WeakKeyDictionary()
"""The cluster of each client that has one."""


@contextlib.contextmanager
def connect(settings: Settings) -> Iterator["Client"]:
    """A client for the server of the settings, closed at the end.

    Raises Unavailable when nothing answers there, BadSetting when it does not know
    the user or the password.
    """
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    host, port = settings.clickhouse_address
    try:
        client = clickhouse_connect.get_client(
            host=host,
            port=port,
            username=settings.clickhouse_user,
            password=settings.clickhouse_password,
            secure=settings.clickhouse_secure,
            autogenerate_session_id=False,
        )
    except OperationalError as error:
        raise Unavailable(
            f"No ClickHouse answers at {host}:{port}. {_HOW_TO_START}"
        ) from error
    except DatabaseError as error:
        if _AUTHENTICATION_FAILED in str(error):
            raise BadSetting(
                f"ClickHouse at {host}:{port} does not let {settings.clickhouse_user!r}"
                " in. Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."
            ) from None
        raise Unavailable(
            f"ClickHouse at {host}:{port} answers with an error; its own log says more."
        ) from error
    put_on_cluster(client, settings.clickhouse_cluster)
    try:
        yield client
    except OperationalError as error:
        raise Unavailable(
            f"ClickHouse at {host}:{port} went away. {_HOW_TO_START}"
        ) from error
    finally:
        client.close()


@contextlib.contextmanager
def refusals() -> Iterator[list[str]]:
    """Collects the name of the engine's error where it refuses what is done inside.

    The name alone: its message may hold values of rows.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    found: list[str] = []
    try:
        yield found
    except OperationalError:
        raise
    except DatabaseError as error:
        named = _ERROR_NAME.search(str(error))
        found.append(named[1] if named else "UNKNOWN")


def put_on_cluster(client: "Client", cluster: str) -> None:
    """From now on what `define` sends with this client goes to the whole cluster."""
    _CLUSTERS[client] = cluster


def cluster_of(client: "Client") -> str:
    """The cluster whose servers a client defines tables on; empty without one."""
    return _CLUSTERS.get(client, "")


def define(client: "Client", statement: str) -> None:
    """Make, drop, rename or exchange tables: on all servers of the client's cluster.

    Everything of that kind is sent here; what changes rows or partitions is not, for
    replication carries it. Raises MigrationFailed for a statement of another kind.
    """
    client.command(clusters.on_cluster(statement, cluster_of(client)))


def rows(
    client: "Client", query: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The rows of a query, each as a dictionary."""
    result = client.query(query, parameters=dict(parameters or {}))
    return [
        dict(zip(result.column_names, row, strict=True)) for row in result.result_rows
    ]


def frame(
    client: "Client", query: str, parameters: Mapping[str, Any] | None = None
) -> "pd.DataFrame":
    """The rows of a query as a data frame."""
    found: pd.DataFrame = client.query_df(query, parameters=dict(parameters or {}))
    return found


def insert_columns(client: "Client", table: str, columns: Mapping[str, Any]) -> None:
    """Insert rows given column by column; what is no list stands in every row.

    At least one column is a list, and all lists are equally long.
    """
    size = next(len(one) for one in columns.values() if isinstance(one, list))
    client.insert(
        table,
        [one if isinstance(one, list) else [one] * size for one in columns.values()],
        column_names=list(columns),
        column_oriented=True,
    )


def replace_partition(
    client: "Client",
    *,
    table: str,
    partition: str,
    columns: Sequence[str],
    values: Sequence[Sequence[Any]],
) -> None:
    """Put exactly these rows into one partition of a table, in one step.

    `partition` is the SQL of the partition's value, such as `'2026-03-01'`.
    Every row must belong to it: raises BadInput, changing nothing, when they are of
    several. Readers see the old rows or the new, never neither.
    """
    with _partition_aside(client, table, partition) as aside:
        if values:
            client.insert(aside, values, column_names=list(columns))


def replace_partition_columns(
    client: "Client",
    *,
    table: str,
    partition: str,
    columns: Mapping[str, Sequence[Any]],
) -> None:
    """The same as `replace_partition` for rows given column by column.

    The columns are equally long. A million rows take seconds this way.
    """
    with _partition_aside(client, table, partition) as aside:
        if any(len(column) for column in columns.values()):
            client.insert(
                aside,
                list(columns.values()),
                column_names=list(columns),
                column_oriented=True,
            )


@contextlib.contextmanager
def _partition_aside(client: "Client", table: str, partition: str) -> Iterator[str]:
    aside = f"{table}__{uuid4().hex}"
    define(client, f"create table {aside} as {table}")
    try:
        yield aside
        given = rows(client, f"select distinct _partition_id from {aside}")
        if len(given) > 1:
            raise BadInput(
                f"Rows of {len(given)} partitions were given to replace {partition}"
                f" of {table}; give the rows of that one."
            )
        # the engine refuses to replace a partition by nothing
        change = f"replace partition {partition} from {aside}"
        if not given:
            change = f"drop partition {partition}"
        client.command(f"alter table {table} {change}")
    finally:
        define(client, f"drop table if exists {aside} sync")
