"""Read what was known of people on a day, and lay it out as numbers for a model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from warehouse.clickhouse import frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MEASURED: Mapping[str, int] = {
    "tenure_days": 0,
    "days_since_last_active": 1,
    "active_days_7": -1,
    "active_days_14": -1,
    "active_days_28": -1,
    "active_days_56": -1,
    "events_28": -1,
    "sessions_28": -1,
    "game_sessions_28": -1,
    "sessions_prev_28": 0,
    "distinct_features_28": -1,
    "rolls_28": -1,
    "logins_28": -1,
    "group_size_56": -1,
    "payments_56": -1,
    "revenue_minor_56": 0,
    "subscription_minor_56": 0,
    "single_minor_56": 0,
    "revenue_minor_total": 0,
    "support_tickets_56": 0,
}
"""Columns of feat_people, each with the sign of its effect on churn where sense
says one: more silence never means a smaller chance of leaving, more play never a
larger one. 0 leaves it to the data."""

DERIVED: Mapping[str, int] = {"silence_in_cadences": 1, "sessions_change": -1}
"""Made here from the columns above; see `_derived`."""

_MADE_OF = {
    "days_since_last_active",
    "active_days_56",
    "sessions_28",
    "sessions_prev_28",
}

NAMED = ("plan", "country", "signup_method", "device_type", "first_campaign")
COLUMNS = (*MEASURED, *NAMED)

MOST_A_DAY = 100_000
"""People of a day whom models learn from; more teach them next to nothing."""

_RARE = 30


def labelled(
    client: "Client", days: Sequence[date], horizon_days: int
) -> "pd.DataFrame":
    """People active in the 56 days before each day, and whether they then churned.

    Columns: as_of (text), person_id, those of COLUMNS, churned (0 or 1): no engagement
    within `[as_of, as_of + horizon_days)`. The days' outcomes must be complete. Of a
    day with more than MOST_A_DAY a sample is read, the same on every call.
    """
    return frame(
        client,
        f"""
        select
            {_selected()},
            toFloat64(outcomes.active_events = 0) as churned
        from features.feat_people as people
        inner join (
            select as_of, person_id, active_events
            from features.feat_outcomes
            where as_of in {{days:Array(Date)}}
                and horizon_days = {{horizon_days:UInt16}} and is_complete
        ) as outcomes
            on people.as_of = outcomes.as_of and people.person_id = outcomes.person_id
        where people.as_of in {{days:Array(Date)}} and people.is_active_56
        order by people.as_of, sipHash64(people.person_id), people.person_id
        limit {{most:UInt32}} by people.as_of
        """,
        {"days": list(days), "horizon_days": horizon_days, "most": MOST_A_DAY},
    )


def current(client: "Client", day: date) -> "pd.DataFrame":
    """People active in the 56 days before a day; the columns without the outcome."""
    return frame(
        client,
        f"""
        select {_selected()}
        from features.feat_people as people
        where people.as_of = {{day:Date}} and people.is_active_56
        order by people.person_id
        """,
        {"day": day},
    )


def _selected() -> str:
    measured = [f"coalesce(toFloat64(people.{c}), nan) as {c}" for c in MEASURED]
    named = [f"coalesce(toString(people.{c}), '') as {c}" for c in NAMED]
    always = ["toString(people.as_of) as day", "people.person_id as person_id"]
    return ", ".join([*always, *measured, *named])


@dataclass(frozen=True, slots=True)
class Design:
    """Which columns of numbers a model sees; learned once, then fixed.

    `measured` are columns with the sign of their effect. Each named column becomes one
    column of 0 and 1 per level that was common when it was learned; a level never seen
    is all zeros. DERIVED are there where what they are made of is.
    """

    levels: Mapping[str, Sequence[str]]
    measured: Mapping[str, int]

    @classmethod
    def learn(
        cls,
        people: "pd.DataFrame",
        measured: Mapping[str, int] = MEASURED,
        named: Sequence[str] = NAMED,
    ) -> Self:
        """Take the levels that at least thirty rows have, in alphabetical order."""
        counts = {name: people[name].value_counts() for name in named}
        return cls(
            {
                name: sorted(str(x) for x in found.index[found >= _RARE] if x)
                for name, found in counts.items()
            },
            measured,
        )

    @property
    def names(self) -> list[str]:
        """The columns of `numbers`, in order."""
        flags = [
            f"{name} is {x}" for name, levels in self.levels.items() for x in levels
        ]
        return [*self.measured, *self._derived, *flags]

    @property
    def monotone(self) -> list[int]:
        """The sign of each column's effect on churn; 0 where sense says none."""
        known = {**self.measured, **DERIVED}
        return [known.get(name, 0) for name in self.names]

    def numbers(self, people: "pd.DataFrame") -> "Numbers":
        """One row per person, one column per name; nan where nothing was measured."""
        flags = [
            (people[name] == level).to_numpy(dtype=np.float64)
            for name, levels in self.levels.items()
            for level in levels
        ]
        measured = {
            name: people[name].to_numpy(dtype=np.float64) for name in self.measured
        }
        made = _derived(measured) if self._derived else []
        return np.column_stack([*measured.values(), *made, *flags])

    def as_json(self) -> dict[str, object]:
        """What `read` needs to be the same again, beside the names."""
        return asdict(self)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """The design as a model kept it; the first ones told no measured columns."""
        design = said["design"]
        plain = [n for n in said["names"] if n not in DERIVED and " is " not in n]
        return cls(design["levels"], design.get("measured", dict.fromkeys(plain, 0)))

    @property
    def _derived(self) -> tuple[str, ...]:
        return tuple(DERIVED) if self.measured.keys() >= _MADE_OF else ()


def _derived(measured: Mapping[str, "Numbers"]) -> list["Numbers"]:
    """The values of DERIVED.

    The silence counted in the person's own usual gaps between active days over the
    last 56; and the change of sessions from the 28 days before to the last 28, as a
    difference of logarithms.
    """
    silence = measured["days_since_last_active"] * measured["active_days_56"] / 56
    recent = np.log1p(np.maximum(measured["sessions_28"], 0))
    before = np.log1p(np.maximum(measured["sessions_prev_28"], 0))
    return [silence, recent - before]
