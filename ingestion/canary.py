"""A record a second by which the door sees that what it takes arrives.

It goes the way of events, through the log and the loader, into a table of its own: so
no mart, gate or audience ever meets one.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from uuid import uuid4

from ingestion import moments
from ingestion.log import Log
from ingestion.records import Record
from ingestion.rows import row_bytes
from warehouse.errors import QuestlogError


def canary(door: str, at: datetime) -> Record:
    """The canary of a door at a moment."""
    return Record("canary", row_bytes((str(uuid4()), door, moments.stored(at))))


async def sing(
    log: Log,
    writers: Executor,
    *,
    door: str,
    now: Callable[[], datetime],
    every_s: float,
) -> None:
    """Put a canary into the log again and again, until cancelled.

    One that the log does not take is missed where it should have arrived.
    """
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(QuestlogError, OSError):
            await loop.run_in_executor(writers, log.append, [canary(door, now())])
        await asyncio.sleep(every_s)
