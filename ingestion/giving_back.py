"""Give memory back to the system that a large block took, and small ones don't need."""

import asyncio
import ctypes
import gc
import sys
from typing import Final

EVERY_S: Final = 10.0
"""Of a process that never rests giving back takes a thousandth of its time."""

# more than the table holds, twice over
_WORDS: Final = 200_000

# a C library without it keeps less
_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)


def settle() -> None:
    """Let Python's table of words be as large now as it would be within an hour.

    Each part of each Path passes through it, and leaves a gap; when there are too many
    it is made anew for three times the words it has: a megabyte more, once.
    """
    for number in range(_WORDS):
        sys.intern(f"{number}.")


def give_back() -> None:
    """Let go of what is free, also between pieces that are in use.

    The C library and Python keep it for the next block: a loader that once had to
    catch up would look for ever as if it were doing so.
    """
    gc.collect()  # Python's own lists of free objects too
    if _TRIM is not None:
        _TRIM(0)


async def keep_giving_back() -> None:
    """Give back while a door runs: after a stall it takes in much at a time."""
    while True:
        await asyncio.sleep(EVERY_S)
        give_back()
