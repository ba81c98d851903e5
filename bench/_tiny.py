"""Clients that send one row after the other, each waiting for its acknowledgement."""

import asyncio
import json
import time
from urllib.parse import urlencode

_SETTINGS = {"async_insert": "1", "wait_for_async_insert": "1"}


def acknowledged(port: int, table: str, *, clients: int, seconds: float) -> list[float]:
    """How long each acknowledged insert took, in seconds.

    The table has the columns `client` and `number`. Raises RuntimeError with the
    endpoint's words when an insert fails.
    """
    return asyncio.run(_all(port, table, clients, seconds))


async def _all(port: int, table: str, clients: int, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    sent = await asyncio.gather(
        *(_one(port, table, client, until) for client in range(clients))
    )
    return [took for client in sent for took in client]


async def _one(port: int, table: str, client: int, until: float) -> list[float]:
    query = f"insert into {table} format JSONEachRow"
    target = "/?" + urlencode({"query": query, **_SETTINGS})
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took: list[float] = []
    while (began := time.perf_counter()) < until:
        row = json.dumps({"client": client, "number": len(took)}).encode()
        writer.write(
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Length: {len(row)}\r\n\r\n".encode()
            + row
        )
        await _answered(reader)
        took.append(time.perf_counter() - began)
    writer.close()
    await writer.wait_closed()
    return took


async def _answered(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    _, _, after = head.lower().partition(b"content-length: ")
    content = await reader.readexactly(int(after.split(b"\r\n")[0]))
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(content.decode())
