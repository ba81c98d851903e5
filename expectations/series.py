"""Counts by day as matrices: what the detectors look at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from expectations import detecting, hourly
from expectations.detecting import Finding
from expectations.spread import Kinds

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from expectations.chances import Counts

Name = tuple[str, str, str]
"""Subject, dimension and category of a series."""

VOLUME, HOURS = "volume", "hours"
_ONCE = (("consents", ""), ("money", ""), ("user_signed_up", "property "))
"""Subjects, and beginnings of dimensions, that hardly anybody is counted under twice in
some weeks, and each by what is their own."""

_CLOSED_SUBJECTS = frozenset({"copies", "twins", "money"})
_CLOSED = ("given ", "repeats of ", "ids of ", "newcomers", "user of a known device")
"""Beginnings of dimensions whose few categories are ours, not the senders'."""

_NUMBER = re.compile(r"(?:about |from )?(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of counts with their names; columns are the `days` that follow each other.

    `totals` has, for each row, what all rows of its group sum up to.
    """

    days: Sequence[date]
    names: Sequence[Name]
    counts: "Counts"
    totals: "Counts"
    groups: "NDArray[np.int64]"


def of_cells(cells: "pd.DataFrame", days: Sequence[date], weight: str) -> Series:
    """Series of a frame with day, subject, dimension, category and a weight."""
    import pandas as pd

    dated = cells.assign(day=pd.to_datetime(cells["day"]).dt.date)
    wide = dated.pivot_table(
        index=["subject", "dimension", "category"],
        columns="day",
        values=weight,
        aggfunc="sum",
        fill_value=0,
        observed=True,
    ).reindex(columns=list(days), fill_value=0)
    counts = wide.to_numpy(float)
    groups = wide.groupby(level=["subject", "dimension"], observed=True).ngroup()
    numbers = groups.to_numpy()
    sums = np.zeros((int(numbers.max(initial=-1)) + 1, len(days)))
    np.add.at(sums, numbers, counts)
    return Series(
        days, list(wide.index), counts, sums[numbers], numbers.astype(np.int64)
    )


def unlike(
    series: Series, volumes: Series, judged: Sequence[date], *, units: "Counts"
) -> Iterator[tuple[date, Name, Finding]]:
    """What the judged days have that the weeks before each of them did not lead to.

    `units` are what each volume counts, such as the money of one payment.
    """
    place = {day: number for number, day in enumerate(series.days)}
    kinds = Kinds(
        np.array([_is_once(name) for name in series.names], dtype=bool),
        np.array([_is_closed(name) for name in series.names], dtype=bool),
        series.groups,
    )
    sizes = np.array([_size(name) for name in series.names])
    for day in judged:
        at = place[day]
        for finding in (
            *detecting.unusual_shares(series.counts, series.totals, at, kinds),
            *detecting.novelties(series.counts, series.totals, series.groups, at),
            *detecting.unusual_levels(series.counts, sizes, series.groups, at),
        ):
            yield day, series.names[finding.row], finding
        for finding in detecting.unusual_volumes(volumes.counts / units[:, None], at):
            unit = float(units[finding.row])
            yield day, volumes.names[finding.row], _in_units(finding, unit)


def _in_units(finding: Finding, unit: float) -> Finding:
    return replace(
        finding,
        observed=finding.observed * unit,
        expected=finding.expected * unit,
        low=finding.low * unit,
        high=finding.high * unit,
    )


def unlike_by_hour(
    hours: Series, judged: Sequence[date]
) -> Iterator[tuple[date, Name, Finding]]:
    """Hours of the judged days in which too few or too many came, a series at a time.

    The categories of the series are hours of the day.
    """
    dimensions = sorted({dimension for _, dimension, _ in hours.names})
    rows = {dimension: row for row, dimension in enumerate(dimensions)}
    counts = np.zeros((len(dimensions), len(hours.days), 24))
    for (_, dimension, hour), count in zip(hours.names, hours.counts, strict=True):
        counts[rows[dimension], :, int(hour)] = count
    for day in judged:
        for one in hourly.unusual_hours(counts, hours.days.index(day)):
            until = "" if one.last == one.first else f" to {one.last:02}"
            name = (HOURS, dimensions[one.finding.row], f"{one.first:02}{until}")
            yield day, name, one.finding


def _is_once(name: Name) -> bool:
    subject, dimension, _ = name
    return any(subject == one and dimension.startswith(words) for one, words in _ONCE)


def _is_closed(name: Name) -> bool:
    subject, dimension, _ = name
    return subject in _CLOSED_SUBJECTS or dimension.startswith(_CLOSED)


def _size(name: Name) -> float:
    """The decimal logarithm of the number a category stands for, if it does.

    An hour of the day is none: midnight is no less than noon.
    """
    _, dimension, category = name
    found = _NUMBER.fullmatch(category)
    if found is None or dimension.startswith("hour"):
        return float("nan")
    return float(np.log10(float(found[1]) + 0.001))
