"""What a service tells of itself: one JSON object a line, nothing about people.

Of an exception its type and places are told, never its text, which may quote an event.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

_OURS: Final = frozenset({"ingestion", "warehouse", "questlog"})
_LONGEST: Final = 200


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            told["error"] = kind.__name__
            told["places"] = [
                f"{place.filename}:{place.lineno}"
                for place in traceback.extract_tb(trace)
            ]
        return json.dumps(told, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    """Our own messages as they are; of others' the pattern, without its values."""
    if record.name.partition(".")[0] in _OURS:
        return record.getMessage()
    return str(record.msg).partition("\n")[0][:_LONGEST]


def tell_as_json() -> None:
    """Send the log of this process to standard error, as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
