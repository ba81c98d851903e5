"""One build of a home's warehouse at a time: two would add the same rows twice."""

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from typing import TextIO

from warehouse.errors import Unavailable
from warehouse.home import Home

logger = logging.getLogger(__name__)

_AGAIN_S = 0.2


@contextlib.contextmanager
def only_build(home: Home, *, within_s: float = 600) -> Iterator[None]:
    """Build when no other process of this home does; one that dies lets others build.

    Raises Unavailable naming the process that still builds after so many seconds.
    """
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    with home.build_lock.open("a+") as lock:
        if not _taken(lock):
            logger.warning("Waiting for the build of process %s.", _holder(lock))
        deadline = time.monotonic() + within_s
        while not _taken(lock):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Another build is at work after {within_s:g} seconds: process"
                    f" {_holder(lock)}. Wait for it or end it, then give the same"
                    " command again."
                )
            time.sleep(_AGAIN_S)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _taken(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read() or "unknown"
