"""Wait for statements under way that bring rows, so that what they bring is there.

A client that dies leaves what it was writing to go on in ClickHouse, and it lands when
it lands. Whoever must not miss it waits first.
"""

import time
from typing import TYPE_CHECKING

from warehouse.clickhouse import cluster_of, rows
from warehouse.errors import Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_BRINGING = ("Insert", "AsyncInsertFlush", "Create", "Alter", "Update", "Rename")
_AGAIN_S = 0.2


def wait_for_writers(client: "Client", *, within_s: float = 600) -> None:
    """Wait for what brings rows now; what begins later is not waited for.

    Raises Unavailable where something still writes after so many seconds.
    """
    under_way = _of(client, None)
    deadline = time.monotonic() + within_s
    while under_way:
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Something still writes after {within_s:g} seconds: query"
                f" {', '.join(sorted(under_way.values()))}. What it brings would be"
                " missed. Wait for it, or end it by KILL QUERY WHERE query_id = …, and"
                " give the same command again."
            )
        time.sleep(_AGAIN_S)
        under_way = _of(client, list(under_way))


def _of(client: "Client", ids: list[str] | None) -> dict[str, str]:
    """What brings rows, of some ids or all: the ids that its clients know, by ours."""
    cluster = cluster_of(client)
    processes = "system.processes"
    if cluster:
        processes = f'clusterAllReplicas("{cluster}", system.processes)'
    found = rows(
        client,
        # the embedded endpoint keeps the client's own id in the comment
        "select query_id, if(Settings['log_comment'] = '', query_id,"
        f" Settings['log_comment']) as known_as from {processes}"
        f" where query_kind in {_BRINGING}"
        + ("" if ids is None else " and query_id in {ids:Array(String)}"),
        {"ids": ids or []},
    )
    return {row["query_id"]: row["known_as"] for row in found}
