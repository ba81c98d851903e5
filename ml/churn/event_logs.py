"""Read a log of events that is no warehouse: JSON lines, whole or damaged."""

import gzip
from array import array
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
_LARGEST = 1e300


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


class _Words:
    """Texts told once, by the number they got when they first came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.codes = array("i")

    def add(self, word: str) -> None:
        self.codes.append(self._numbers.setdefault(word, len(self._numbers)))

    def column(self) -> Any:
        import numpy as np
        import pandas as pd

        # an object column of no words, too, is one of text
        words = pd.Index(list(self._numbers), dtype=object)
        return pd.Categorical.from_codes(np.asarray(self.codes), words)


class _Carried:
    """What events carry, as columns that grow: a log may hold millions of values."""

    def __init__(self) -> None:
        self._event, self._text_event = array("q"), array("q")
        self._key, self._text_key = _Words(), _Words()
        self._number, self._text = array("d"), _Words()

    def add(self, event: int, key: str, value: float | str) -> None:
        if isinstance(value, str):
            self._text_event.append(event)
            self._text_key.add(key)
            self._text.add(value)
        else:
            self._event.append(event)
            self._key.add(key)
            self._number.append(value)

    def numbers(self) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        return pd.DataFrame(
            {
                "event": np.asarray(self._event),
                "key": self._key.column(),
                "value": np.asarray(self._number),
            }
        )

    def texts(self) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        return pd.DataFrame(
            {
                "event": np.asarray(self._text_event),
                "key": self._text_key.column(),
                "value": self._text.column(),
            }
        )


def read(path: Path) -> EventLog:
    """The log of a `.jsonl` or `.jsonl.gz`; a repeated event_id counts once.

    A line that is no event of a person at a time is passed over and counted. Raises
    BadInput when there is no such file or none of its lines is an event.
    """
    import pandas as pd

    if not path.is_file():
        raise BadInput(f"There is no {path}. Name a folder that holds it.")
    told: list[tuple[str, float, str, str]] = []
    carried = _Carried()
    seen: set[str] = set()
    unreadable = 0
    for line in _lines(path):
        said = _event(line)
        if said is None:
            unreadable += 1
            continue
        event_id = str(said.get("event_id") or "")
        if event_id in seen:
            continue
        if event_id:
            seen.add(event_id)
        event = said["event"]
        for key, value in _leaves(event[2], said):
            carried.add(len(told), key, value)
        told.append(event)
    if not told:
        raise BadInput(
            f"{path} has no line with an event of a person at a time: each needs"
            " event_name, timestamp, and user_id or anonymous_id."
        )
    events = pd.DataFrame(told, columns=["person", "at", "name", "session"])
    return EventLog(
        events=events.sort_values(["person", "at"], kind="stable"),
        numbers=carried.numbers(),
        texts=carried.texts(),
        unreadable=unreadable,
    )


def _lines(path: Path) -> Iterator[bytes]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as lines:
            yield from (line for line in lines if line.strip())
    except (EOFError, OSError) as error:
        raise BadInput(f"{path} cannot be read to its end: {error}.") from error


def _event(line: bytes) -> dict[str, Any] | None:
    """The line as said, with `event`: its person, time, name and session."""
    import orjson

    try:
        said = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    person = said.get("user_id") or said.get("anonymous_id")
    at = _at(said.get("timestamp"))
    name = said.get("event_name")
    if person is None or at is None or not isinstance(name, str):
        return None
    return {**said, "event": (str(person), at, name, str(said.get("session_id") or ""))}


def _at(said: object) -> float | None:
    """Days since 1970 of a moment as text; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() / _DAY_SECONDS


def _leaves(name: str, said: Mapping[str, Any]) -> Iterator[tuple[str, float | str]]:
    """Numbers and short texts of properties and context, one level deep."""
    for where, held in (
        (name, said.get("properties")),
        ("context", said.get("context")),
    ):
        for key, value in held.items() if isinstance(held, dict) else ():
            if isinstance(value, bool | int | float):
                number = float(value) if abs(value) < _LARGEST else 0.0
                yield f"{where}.{key}", number
            elif isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT:
                yield f"{where}.{key}", value
