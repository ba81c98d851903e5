"""Note at its end which modules a process had imported; Python runs this first."""

import atexit
import os
import sys
from pathlib import Path


def note() -> None:
    Path(os.environ["LOADED_INTO"]).write_text("\n".join(sorted(sys.modules)))


# dbt and other children inherit the path: the first process alone is noted
if "LOADED_INTO" in os.environ and not Path(os.environ["LOADED_INTO"]).exists():
    Path(os.environ["LOADED_INTO"]).touch()
    atexit.register(note)
