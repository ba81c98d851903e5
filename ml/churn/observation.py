"""The events of people within some days of each one's first, as arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.event_logs import EventLog

    Numbers = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Flags = NDArray[np.bool_]

_PAUSE_DAYS = 30 / 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen of everybody, a row an event, in the order of person and time.

    `people` are in alphabetical order, `code` is a person's place among them; `moment`
    counts days since 1970, `age` those since the person's first event, up to `days`;
    `gap` those since the event before, 0 at the first; `opens` marks events that begin
    a visit: the first, and those after half an hour of silence. `row` is the event's
    number in its log.
    """

    people: "pd.Index[str]"
    days: float
    row: "NDArray[np.int64]"
    code: "Codes"
    moment: "Numbers"
    age: "Numbers"
    gap: "Numbers"
    opens: "Flags"
    name: "pd.Series[str]"
    session: "pd.Series[str]"

    def total(self, values: "Numbers | Flags | None" = None) -> "Numbers":
        """The sum of one value an event, or the number of events, by person."""
        return np.bincount(self.code, values, len(self.people)).astype(np.float64)

    @property
    def firsts(self) -> "Codes":
        """The place of each person's first event."""
        return np.searchsorted(self.code, np.arange(len(self.people)), side="left")

    @property
    def lasts(self) -> "Codes":
        """The place of each person's last event."""
        return np.searchsorted(self.code, np.arange(len(self.people)), side="right") - 1


def observed(log: "EventLog", days: float) -> Observation:
    """Events no later than so many days after their person's first."""
    import pandas as pd

    events = log.events
    age = events["at"] - events.groupby("person")["at"].transform("min")
    seen = events[age <= days]
    code, people = seen["person"].factorize()
    ages = age[age <= days].to_numpy(np.float64)
    first = np.append(True, code[1:] != code[:-1])
    gap = np.where(first, 0.0, np.append(0.0, np.diff(ages)))
    return Observation(
        people=pd.Index(people, name="user_id"),
        days=days,
        row=seen.index.to_numpy(np.int64),
        code=code,
        moment=seen["at"].to_numpy(np.float64),
        age=ages,
        gap=gap,
        opens=first | (gap > _PAUSE_DAYS),
        name=seen["name"],
        session=seen["session"],
    )


def ratio(part: "Numbers", whole: "Numbers") -> "Numbers":
    """One over the other; nan where the other is 0."""
    return np.asarray(part / np.where(whole == 0, np.nan, whole), np.float64)
