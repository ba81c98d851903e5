"""What the engine tells of a query while it runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

_TOLD = (
    "read_rows",
    "read_bytes",
    "written_rows",
    "written_bytes",
    "total_rows_to_read",
    "elapsed_ns",
)


@dataclass(slots=True)
class Progress:
    """The engine's last word on a query; its threads call `take` every 100 ms.

    `total_rows_to_read` is its estimate, which may be passed.
    """

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    total_rows_to_read: int = 0
    elapsed_ns: int = 0

    def take(self, told: Mapping[str, int]) -> None:
        """Remember what chDB hands to a progress callback."""
        for name in _TOLD:
            setattr(self, name, told[name])

    def header(self) -> str:
        """The value of X-ClickHouse-Progress."""
        figures = {name: str(getattr(self, name)) for name in _TOLD}
        return json.dumps(figures, separators=(",", ":"))
