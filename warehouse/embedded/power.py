"""What a machine that went down may have lost: tables that nobody saw on the disk.

Inserts of clients wait for the disk. What dbt builds from them does not: it can be
built again, and it must be when the machine was started since.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from warehouse import durable

logger = logging.getLogger(__name__)

_THIS_START = Path("/proc/sys/kernel/random/boot_id")


def notice_a_new_start(
    folder: Path, forget: Callable[[], bool], *, this_start: Path = _THIS_START
) -> None:
    """Let the next build be whole if the machine was started since the folder was used.

    `forget` takes note of that in the warehouse, and says whether anything was built.
    Where the system gives its starts no name nothing is noticed.
    """
    mark = folder / "machine_start"
    if not this_start.exists():
        return
    now = this_start.read_bytes()
    if mark.exists() and mark.read_bytes() != now and forget():
        logger.warning(
            "The machine was started since: the next build of the models is whole,"
            " because a power cut may have lost a part of what was built."
        )
    durable.put(mark, now)
