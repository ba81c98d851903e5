"""A result of any format as a stream: the engine writes a pipe that we read."""

import fcntl
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from warehouse.embedded.lexer import Statement
from warehouse.embedded.text import quoted

_CHUNK_BYTES = 1 << 20
_SUFFIX = ".pipe"


class Pipe:
    """A SELECT under way. `result` is the engine's account of it, once it has ended.

    The engine's chunks of most formats do not make a whole, for each has a head and
    a tail of its own. What it writes to a file does, and a pipe keeps no byte.
    """

    def __init__(
        self,
        folder: Path,
        handle: Any,
        statement: Statement,
        output: str,
        parameters: Mapping[str, str],
    ) -> None:
        """Run a statement into a pipe of the folder."""
        self.result: Any = None
        self._error: RuntimeError | None = None
        path = folder / f"{uuid4().hex}{_SUFFIX}"
        into = f" into outfile {quoted(str(path))} truncate ".encode()
        text, at = statement.text, statement.output_at
        os.mkfifo(path, 0o600)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        # held until the query ends: who reads a pipe without a writer sees its end
        self._held = os.open(path, os.O_WRONLY)
        os.set_blocking(self._end, True)
        fcntl.fcntl(self._end, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)

        def run() -> None:
            try:
                self.result = handle.query(
                    text[:at] + into + text[at:], output, params=dict(parameters)
                )
            except RuntimeError as error:
                self._error = error
            finally:
                path.unlink()
                os.close(self._held)

        self._writer = threading.Thread(target=run, name="pipe", daemon=True)
        self._writer.start()

    def fetch(self) -> bytes | None:
        """The next bytes; None at the end. Raises RuntimeError, as the engine does."""
        chunk = os.read(self._end, _CHUNK_BYTES)
        if chunk:
            return chunk
        self._writer.join()
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        """Give up what is left: the engine fails at its next write and ends."""
        os.close(self._end)
        self._writer.join()


def forget_pipes(folder: Path) -> None:
    """Remove what a killed process left."""
    for path in folder.glob(f"*{_SUFFIX}"):
        path.unlink()
