"""Up to where a log is durable: a number that processes share through a mapped file."""

import mmap
import os
import struct
from pathlib import Path
from typing import Final

from warehouse.durable import put
from warehouse.errors import BadInput

_MARK: Final = struct.Struct("<Q")


class Mark:
    """The position; reading and writing it are one step each."""

    def __init__(self, folder: Path) -> None:
        with (folder / "durable").open("r+b") as file:
            if os.fstat(file.fileno()).st_size < _MARK.size:
                raise BadInput(
                    f"{folder / 'durable'} does not say where the log ends. Restore"
                    " it; or remove it while nothing writes the log: its end is then"
                    " looked for."
                )
            self._map = mmap.mmap(file.fileno(), _MARK.size)

    def read(self) -> int:
        """Where the log ends for readers."""
        position: int = _MARK.unpack(self._map[:])[0]
        return position

    def write(self, position: int) -> None:
        """Let readers go up to a position."""
        self._map[:] = _MARK.pack(position)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


def make_mark(folder: Path) -> None:
    """Make the mark of a log, at 0, where it has none."""
    if not (folder / "durable").exists():
        put(folder / "durable", _MARK.pack(0), only_new=True)
