"""Whether some hours of a day are unlike the same hours of the weeks before it.

An hour is compared with itself by weekday: the habit of the hour, times that of the
weekday, leaning towards what was seen in just this hour of just this weekday. Spread is
learned from the same weeks. Twice a year clocks change and all habits come an hour
earlier or later: whatever lies between an hour's expectation and its neighbours' is
ordinary.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from expectations import chances
from expectations.detecting import LEAST_REFERENCE_DAYS, REFERENCE_DAYS, Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from expectations.chances import Counts

    Rows = NDArray[np.int64]

STRETCHES = (1, 3, 6)
"""Hours that are judged together, within a day."""

SURPRISE_OF_GAPS = 4.5
SURPRISE_OF_RUSHES = 6.3
"""What comes together comes in groups: too much of it is less surprising."""

_WEEK = 7
_LEAST_PRESENT = 0.75
_LEAN = 3.0
"""What the habits of the hour and of the weekday weigh, in days."""

_FARTHEST = 3.0
_DISPERSION_BEFOREHAND, _WEIGHT_BEFOREHAND, _LEAST_DISPERSION = 1.5, 6.0, 1.2
_LEAST_NOISE = 0.1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours that follow each other, the first and the last, and what is odd there."""

    first: int
    last: int
    finding: Finding


def unusual_hours(counts: "Counts", day: int) -> Iterator[Stretch]:
    """The oddest hours of each series on a day, if any are odd.

    `counts` has a row a series, a column a day, and the hours of each. A series is
    judged that was there on most of the six weeks before.
    """
    seen = counts[:, max(day - REFERENCE_DAYS, 0) : day]
    if seen.shape[1] < 2 * LEAST_REFERENCE_DAYS:
        return
    present = (seen.sum(axis=2) > 0).mean(axis=1)
    judged = np.flatnonzero(present >= _LEAST_PRESENT)
    oddest: dict[int, Stretch] = {}
    for length in STRETCHES:
        for stretch in _odd(seen, counts[:, day], judged, length):
            row, surprise = stretch.finding.row, stretch.finding.surprise
            if row not in oddest or surprise > oddest[row].finding.surprise:
                oddest[row] = stretch
    yield from oddest.values()


def _odd(
    seen: "Counts", today: "Counts", judged: "Rows", length: int
) -> Iterator[Stretch]:
    """All odd stretches of a length, of the series that are judged."""
    # midnight is no edge: the hour before the first is the last
    around = np.pad(seen[judged], ((0, 0), (0, 0), (1, 1)), mode="wrap")
    totals = seen[judged].sum(axis=2)
    expected, dispersion = _usual(_together(around, length), totals)
    least, most = _beside(expected, np.minimum), _beside(expected, np.maximum)
    now = _together(today[judged], length)
    nearest = np.clip(now, least, most)
    variance = _variance(nearest, dispersion[:, 1:-1])
    places = np.argwhere((now - nearest) ** 2 > 4 * variance)
    rows, hours = places[:, 0], places[:, 1]
    surprise = chances.of_counts(
        now[rows, hours], nearest[rows, hours], variance[rows, hours]
    )
    for row, hour, surprised in zip(rows, hours, surprise, strict=True):
        few = now[row, hour] < nearest[row, hour]
        if surprised >= (SURPRISE_OF_GAPS if few else SURPRISE_OF_RUSHES):
            ends = np.array([least[row, hour], most[row, hour]])
            low, high = _interval(ends, dispersion[row, hour + 1])
            yield Stretch(
                first=int(hour),
                last=int(hour) + length - 1,
                finding=Finding(
                    row=int(judged[row]),
                    judge="volume",
                    days=1,
                    observed=float(now[row, hour]),
                    expected=float(nearest[row, hour]),
                    low=low,
                    high=high,
                    surprise=float(surprised),
                ),
            )


def _variance(expected: "Counts", dispersion: "Counts") -> "Counts":
    """Of a stretch to come; what is expected is itself known from some days only."""
    return 1.125 * dispersion * expected + (_LEAST_NOISE * expected) ** 2


def _interval(ends: "Counts", dispersion: "Counts") -> tuple[float, float]:
    """What is no surprise where no less and no more than this is expected."""
    low, high = chances.quantiles(
        ends,
        _variance(ends, dispersion),
        np.array([10**-SURPRISE_OF_GAPS, 1 - 10**-SURPRISE_OF_RUSHES]),
    )
    return float(low), float(high)


def _together(hours: "Counts", length: int) -> "Counts":
    """The sums of the hours of each stretch, by its first hour."""
    sums = np.cumsum(hours, axis=-1)
    stretches: Counts = sums[..., length - 1 :].copy()
    stretches[..., 1:] -= sums[..., :-length]
    return stretches


def _beside(expected: "Counts", choose: "np.ufunc") -> "Counts":
    """The least or most that is expected at a time of day, an hour earlier or later."""
    nearby: Counts = choose(
        choose(expected[:, :-2], expected[:, 2:]), expected[:, 1:-1]
    )
    return nearby


def _usual(reference: "Counts", totals: "Counts") -> "tuple[Counts, Counts]":
    """What is expected of each stretch of the next day, and its dispersion."""
    days = reference.shape[1]
    weekdays = (np.arange(days) - days) % _WEEK
    weights = _by_weekday(totals, weekdays)
    of_days = np.maximum(weights[:, weekdays], 0.01)
    plain = reference / of_days[:, :, None]
    habit = _mean(plain, np.median(plain, axis=1))
    fits = np.empty_like(reference)
    for weekday in range(_WEEK):
        own = reference[:, weekdays == weekday]
        combined = habit * weights[:, weekday, None]
        seen = own.shape[1]
        fit = (seen * _mean(own, combined) + _LEAN * combined) / (seen + _LEAN)
        fits[:, weekdays == weekday] = fit[:, None]
    lately = totals / of_days
    level = np.median(lately[:, -2 * _WEEK :], axis=1) / np.maximum(
        np.median(lately, axis=1), 0.5
    )
    # the day to come has the weekday of the one a week before
    expected = fits[:, -_WEEK] * np.clip(level, 0.5, 2.0)[:, None]
    return np.maximum(expected, 0.05), _dispersion(reference, fits)


def _dispersion(reference: "Counts", fits: "Counts") -> "Counts":
    """How much more the weeks before strayed from what fits them than chance would."""
    days = reference.shape[1]
    squares = (reference - fits) ** 2 / np.maximum(fits, 0.25)
    # a fault among the reference days must not hide the next one
    most = 25 * np.maximum(np.median(squares, axis=1, keepdims=True), 1)
    # each weekday was fitted by itself
    seen = np.minimum(squares, most).sum(axis=1) * days / (days - _WEEK)
    dispersion = (seen + _WEIGHT_BEFOREHAND * _DISPERSION_BEFOREHAND) / (
        days + _WEIGHT_BEFOREHAND
    )
    least: Counts = np.maximum(dispersion, _LEAST_DISPERSION)
    return least


def _by_weekday(totals: "Counts", weekdays: "Rows") -> "Counts":
    """How much of a usual day each weekday has, by medians: no holiday moves it."""
    usual = np.maximum(np.median(totals, axis=1), 0.5)
    weights = np.empty((len(totals), _WEEK))
    for weekday in range(_WEEK):
        own = totals[:, weekdays == weekday]
        ratio = np.median(own, axis=1) / usual
        weights[:, weekday] = (own.shape[1] * ratio + 1) / (own.shape[1] + 1)
    return weights


def _mean(of: "Counts", around: "Counts") -> "Counts":
    """A mean over days that no outage or rush among them draws far."""
    around = around[:, None]
    near = np.clip(of, around / _FARTHEST, _FARTHEST * (around + 1))
    mean: Counts = near.mean(axis=1)
    return mean
