"""Read a log of events that is no warehouse: JSON lines, whole or damaged."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

_DAY_SECONDS = 86_400.0
_LONGEST_TEXT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """Events of people with what they carry.

    `events`: person (text), at (days since 1970), name, session (empty: none), in the
    order of person and time, the index a number. `numbers` and `texts`: event (that
    number), key such as `played.level`, value. `unreadable`: lines passed over.
    """

    events: "pd.DataFrame"
    numbers: "pd.DataFrame"
    texts: "pd.DataFrame"
    unreadable: int


def read(path: Path) -> EventLog:
    """The log of a `.jsonl` or `.jsonl.gz`; a repeated event_id counts once.

    A line that is no event of a person at a time is passed over and counted. Raises
    BadInput when there is no such file or none of its lines is an event.
    """
    import pandas as pd

    if not path.is_file():
        raise BadInput(f"There is no {path}. Name a folder that holds it.")
    told: list[tuple[str, float, str, str]] = []
    numbers: list[tuple[int, str, float]] = []
    texts: list[tuple[int, str, str]] = []
    seen: set[str] = set()
    lines = 0
    for line in _lines(path):
        lines += 1
        found = _event(line)
        if found is None:
            continue
        event, carried = found
        lines -= (again := carried["event_id"] in seen)
        if again:
            continue
        if carried["event_id"]:
            seen.add(carried["event_id"])
        for key, value in _leaves(event[2], carried):
            if isinstance(value, str):
                texts.append((len(told), key, value))
            else:
                numbers.append((len(told), key, value))
        told.append(event)
    if not told:
        raise BadInput(
            f"{path} has no line with an event of a person at a time: each needs"
            " event_name, timestamp, and user_id or anonymous_id."
        )
    events = pd.DataFrame(told, columns=["person", "at", "name", "session"])
    return EventLog(
        events=events.sort_values(["person", "at"], kind="stable"),
        numbers=pd.DataFrame(numbers, columns=["event", "key", "value"]),
        texts=pd.DataFrame(texts, columns=["event", "key", "value"]),
        unreadable=lines - len(told),
    )


def _lines(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as lines:
        yield from (line for line in lines if line.strip())


def _event(line: str) -> tuple[tuple[str, float, str, str], dict[str, Any]] | None:
    """Person, time, name and session, and what else the event carries."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    person = said.get("user_id") or said.get("anonymous_id")
    at = _at(said.get("timestamp"))
    name = said.get("event_name")
    if person is None or at is None or not isinstance(name, str):
        return None
    event = (str(person), at, name, str(said.get("session_id") or ""))
    return event, {
        "event_id": str(said.get("event_id") or ""),
        "properties": said.get("properties"),
        "context": said.get("context"),
    }


def _at(said: object) -> float | None:
    """Days since 1970 of a moment as text; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() / _DAY_SECONDS


def _leaves(name: str, carried: Mapping[str, Any]) -> Iterator[tuple[str, float | str]]:
    """Numbers and short texts of properties and context, one level deep."""
    for where, said in (
        (name, carried["properties"]),
        ("context", carried["context"]),
    ):
        for key, value in said.items() if isinstance(said, dict) else ():
            if isinstance(value, bool | int | float):
                number = float(value) if abs(value) < 1e300 else 0.0  # noqa: PLR2004
                yield f"{where}.{key}", number
            elif isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT:
                yield f"{where}.{key}", value
