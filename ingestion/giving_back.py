"""Give memory back to the system that a large block took, and small ones don't need."""

import ctypes
import gc
from typing import Final

# a C library without it keeps less
_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Let go of what is free, also between pieces that are in use.

    The C library and Python keep it for the next block: a loader that once had to
    catch up would look for ever as if it were doing so.
    """
    gc.collect()  # Python's own lists of free objects too
    if _TRIM is not None:
        _TRIM(0)
