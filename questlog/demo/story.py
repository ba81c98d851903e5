"""What a demo is about: a simulated world, or a file of real events."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.errors import BadInput


@dataclass(frozen=True, slots=True)
class World:
    """The arguments of a simulated world."""

    people: int
    days: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One demo: its events, the day it is told on, and its currency."""

    title: str
    history: Path
    as_of: date
    open_mode: bool
    currency: str
    live: Path | None = None
    truth: Path | None = None


def of_a_world(world: World, *, folder: Path, now: datetime, currency: str) -> Story:
    """The story of a world simulated into a folder, up to the day that `now` is in."""
    return Story(
        title=f"a simulated world: {world.people:,} people, {world.days} days,"
        f" seed {world.seed}",
        history=folder / "history.jsonl.gz",
        live=folder / "live.jsonl",
        truth=folder / "truth.json",
        as_of=now.date(),
        open_mode=False,
        currency=currency,
    )


def of_a_file(path: Path, *, now: datetime, currency: str) -> Story:
    """The story of a file of real events, told on the day after its last event.

    The reporting currency is the one most payments are in, else `currency`.
    Raises BadInput when the file is missing, empty, broken or holds no event.
    """
    last, currencies = _skimmed(path, not_after=now + timedelta(days=1))
    return Story(
        title=f"the events of {path.name}",
        history=path.resolve(),
        as_of=last.astimezone(UTC).date() + timedelta(days=1),
        open_mode=True,
        currency=currencies.most_common(1)[0][0] if currencies else currency,
    )


def _skimmed(path: Path, *, not_after: datetime) -> tuple[datetime, Counter[str]]:
    moments: list[datetime] = []
    currencies: Counter[str] = Counter()
    lines = 0
    for line in _lines(path):
        lines += 1
        event = _object(line)
        moment = _moment(event.get("timestamp"))
        if moment and moment <= not_after:
            moments = [max([*moments, moment])]
        properties = event.get("properties")
        if isinstance(properties, dict) and _is_currency(properties.get("currency")):
            currencies[properties["currency"]] += 1
    if not lines:
        raise BadInput(f"{path} is empty: there is nothing to show.")
    if not moments:
        raise BadInput(
            f"None of the {lines:,} lines of {path} is an event with a timestamp."
            " Each line must be one JSON object in the envelope of docs/taxonomy.md."
        )
    return moments[0], currencies


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from (line for line in file if line.strip())
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {path}.") from error
    except (OSError, EOFError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and len(value) == len("EUR") and value.isupper()
