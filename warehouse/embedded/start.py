"""What the engine says while it opens a data directory, and what is at fault there.

It tells its error apart from its reason: that goes to the process's standard error.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

_STDERR = 2
_FILE = re.compile(r"metadata file (\S+\.sql)")


@contextlib.contextmanager
def engines_words(words: list[str]) -> Iterator[None]:
    """Collects the lines that the engine writes to standard error meanwhile."""
    kept = os.dup(_STDERR)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            file.seek(0)
            words += file.read().decode("utf-8", "replace").splitlines()


def at_fault(data: Path, words: Sequence[str]) -> str:
    """Which table or database keeps a directory from opening; empty if not known."""
    for line in words:
        if found := _FILE.search(line):
            file = data / found[1]
            return (
                f"the definition of {_owner(data, file)} cannot be read, it is the file"
                f" {file}."
            )
    return next((f"{line.strip()}." for line in words if "DB::Exception" in line), "")


def _owner(data: Path, file: Path) -> str:
    for record in (data / "metadata").glob("*.sql"):
        # a database lies in the folder of its id
        if record != file and file.parent.name in record.read_text():
            return f"table {record.stem}.{file.stem}"
    return f"database {file.stem}"
