"""What a world depends on: its arguments, and one random stream for each concern."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zlib import crc32

import numpy as np

from warehouse.errors import BadInput

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

EVENING_FROM = 19 * HOUR + 30 * MINUTE
EVENING_TO = 21 * HOUR + 30 * MINUTE

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The arguments of a world; all moments are milliseconds since 1970, UTC.

    History covers the `days` days before `end`, which it does not touch. The live
    slice is the evening of `end`, moved so that its last event happens at `now`.
    People pay in the currency of their country; the truth adds up in `currency`.
    """

    people: int
    days: int
    end: date
    seed: int
    now: datetime | None = None
    currency: str = "EUR"
    history_from: int = field(init=False)
    history_to: int = field(init=False)

    def __post_init__(self) -> None:
        """Refuse a world that cannot be. Raises BadInput naming the argument."""
        _at_least(self.people, least=1, name="people")
        _at_least(self.days, least=7, name="days")
        _at_least(self.seed, least=0, name="seed")
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise BadInput(
                f"currency is {self.currency!r}; it needs a code of three capital"
                " letters, such as EUR."
            )
        midnight = (self.end - _EPOCH).days * DAY
        object.__setattr__(self, "history_to", midnight)
        object.__setattr__(self, "history_from", midnight - self.days * DAY)
        if self.now is not None and milliseconds(self.now) < midnight:
            raise BadInput(
                f"now ({self.now.isoformat()}) lies before the end of history;"
                f" choose a moment from {self.end} 00:00 UTC on, or an earlier end."
            )

    @property
    def live_from(self) -> int:
        """When the live slice begins, before it is moved."""
        return self.history_to + EVENING_FROM

    @property
    def live_to(self) -> int:
        """When the live slice ends, before it is moved."""
        return self.history_to + EVENING_TO

    @property
    def posted_at(self) -> int:
        """When the live slice is sent: as its last event happens."""
        return milliseconds(self.now) if self.now else self.live_to

    def stream(self, concern: str) -> np.random.Generator:
        """The random stream of one concern: a change elsewhere never moves it."""
        return np.random.default_rng([self.seed, crc32(concern.encode())])


def milliseconds(moment: datetime) -> int:
    """A moment as milliseconds since 1970."""
    return round(moment.timestamp() * SECOND)


def read_moment(text: str) -> int:
    """A moment in RFC 3339 as milliseconds since 1970."""
    return milliseconds(datetime.fromisoformat(text))


def day_of(moment: int) -> date:
    """The UTC day of a moment in milliseconds."""
    return _EPOCH + timedelta(days=moment // DAY)


def _at_least(value: int, *, least: int, name: str) -> None:
    if value < least:
        raise BadInput(f"{name} is {value}; a world needs at least {least}.")
