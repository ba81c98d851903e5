"""How each property of an event moved: its values, and how often it is there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from expectations.shapes import jensen_shannon
from warehouse.clickhouse import frame

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

_BEFORE_DAYS = 28
_LEAST_EVENTS = 30
_NUMBER = re.compile(r"(?P<minus>minus )?(?:about )?(?P<digits>-?\d+(?:\.\d+)?)")
# an event that is sent without a property now and then has not lost it
_RARE_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One property of an event type beside itself in the four weeks before.

    `measure` is ks (Kolmogorov and Smirnov, of numbers) or js (Jensen and Shannon, of
    words), and empty where there are too few events on either side; `filled` is the
    share of the event's events that have the property.
    """

    name: str
    measure: str = ""
    distance: float = 0.0
    filled: float = 0.0
    filled_before: float = 0.0
    is_first_seen: bool = False
    is_gone_missing: bool = False

    @property
    def as_kept(self) -> tuple[str, str, float, float, float]:
        """As ops.quality has it."""
        return (
            self.name,
            self.measure,
            self.distance,
            self.filled,
            self.filled_before,
        )


def moved(client: "Client", as_of: date, days: int) -> Mapping[str, tuple[Moved, ...]]:
    """By event type: each of its properties, in the order of their names."""
    cells = frame(
        client,
        "select subject, dimension, category,"
        " sumIf(events, day >= {first:Date}) as now,"
        " sumIf(events, day < {first:Date}) as before from ops.profiles"
        " where (startsWith(dimension, 'property ') or startsWith(dimension, 'given ')"
        " or dimension = 'properties')"
        " and day < {as_of:Date} and day >= {began:Date}"
        " group by subject, dimension, category",
        {
            "first": as_of - timedelta(days=days),
            "began": as_of - timedelta(days=days + _BEFORE_DAYS),
            "as_of": as_of,
        },
    )
    # a frame of no rows has no columns either
    by_event = cells.groupby("subject") if len(cells) else ()
    return {str(event): tuple(_of_event(of_event)) for event, of_event in by_event}


def _of_event(cells: "pd.DataFrame") -> Iterator[Moved]:
    named = cells[cells["dimension"] == "properties"].set_index("category")
    there = named[named.index != "none"][["now", "before"]]
    totals = _totals(cells)
    usual = there["before"].max() * _RARE_SHARE
    values = {
        str(dimension).removeprefix("property "): of_property
        for dimension, of_property in cells.groupby("dimension")
        if str(dimension).startswith("property ")
    }
    for name, (now, before) in sorted(
        (str(name), (int(row["now"]), int(row["before"])))
        for name, row in there.iterrows()
    ):
        measure, far = _distance(values.get(name))
        yield Moved(
            name=name,
            measure=measure,
            distance=round(far, 4),
            filled=_share(now, totals["now"]),
            filled_before=_share(before, totals["before"]),
            is_first_seen=before == 0 and now > 0,
            is_gone_missing=before > usual and now == 0,
        )


def _totals(cells: "pd.DataFrame") -> dict[str, int]:
    """Events of the type: as many as say, or do not say, one planned property."""
    given = cells[cells["dimension"].str.startswith("given ")]
    counted = (
        given.groupby("dimension")[["now", "before"]].sum()
        if len(given)
        else cells[cells["dimension"] == "properties"][["now", "before"]]
    )
    return {side: int(counted[side].max()) for side in ("now", "before")}


def _share(part: int, whole: int) -> float:
    # of a large day some people are looked at, not the same for every question
    return round(min(1.0, part / whole), 4) if whole else 0.0


def _distance(cells: "pd.DataFrame | None") -> tuple[str, float]:
    if cells is None:
        return "", 0.0
    counts = cells.set_index("category")[["now", "before"]]
    if counts.sum().min() < _LEAST_EVENTS:
        return "", 0.0
    return measured(counts)


def measured(counts: "pd.DataFrame") -> tuple[str, float]:
    """How far two sides lie apart, and by which measure: of numbers ks, of words js."""
    numbers = [_number(str(category)) for category in counts.index]
    sizes = [number for number in numbers if number is not None]
    if len(sizes) == len(numbers):
        ordered = counts.assign(number=sizes).sort_values("number")
        sides = ordered[["now", "before"]]
        shares = (sides / sides.sum()).cumsum()
        return "ks", float((shares["now"] - shares["before"]).abs().max())
    return "js", jensen_shannon(counts["now"], counts["before"])


def _number(category: str) -> float | None:
    found = _NUMBER.fullmatch(category)
    if not found:
        return None
    size = float(found["digits"])
    return -size if found["minus"] else size
