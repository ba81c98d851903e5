"""Whether a day is unlike the weeks before it: volumes, shares and novelties.

Each test gives a *surprise*: minus the decimal logarithm of the chance of what was
seen in clean data. Spread is learned from the same weeks, so that a series that
always jumps must jump far; counts keep at least the spread that chance gives them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from expectations import chances
from expectations.spread import (
    WINDOWS_OF_SHARES,
    Kinds,
    dispersion,
    rolled,
    usual_share,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from expectations.chances import Counts

Judge = Literal["volume", "share", "novelty", "level"]

REFERENCE_DAYS = 42
"""Days before a window that it is compared with."""

LEAST_REFERENCE_DAYS = 14
WINDOWS = (1, 3, 7)

SURPRISE_OF_SHARES = 7.0
"""One series in ten million clean days: some five thousand are judged a day."""

SURPRISE_OF_PERSONS = 5.3
"""The same of people counted once: some hundred series, each by an exact law."""

SURPRISE_OF_VOLUMES = 5.3
SURPRISE_OF_NOVELTIES = 6.0
SURPRISE_OF_LEVELS = 6.0
_LEAST_EFFECT = 0.2
_LEAST_CHANGED = 4.0
_LEAST_TOGETHER = 7.0
"""A table of players does things together: so many of what is hardly ever seen."""
_FEW_COUNTED = 50.0
_WEEK = 7
_LEAST_NUMBERS = 5
_LEAST_STEP = 0.3
"""Of the decimal logarithm of a level: a factor of two."""
_DEGREES_OF_FREEDOM = 20
_LEAST_NOISE = {1: 0.07, 3: 0.055, 7: 0.05}
"""How far the logarithm of a volume strays at least, by window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a day has too much or too little of; `row` is the series."""

    row: int
    judge: Judge
    days: int
    observed: float
    expected: float
    low: float
    high: float
    surprise: float


def unusual_shares(
    counts: "Counts", totals: "Counts", day: int, kinds: Kinds
) -> Iterator[Finding]:
    """Series whose part of their total moved, by day columns that end with `day`.

    Both have a row a series and a column a day; a total is that of the series' group.
    """
    for window in WINDOWS_OF_SHARES:
        first = day - window + 1
        seen = slice(max(first - REFERENCE_DAYS, 0), first)
        if seen.stop - seen.start < LEAST_REFERENCE_DAYS:
            continue
        yield from _moved(counts, totals, kinds, seen, slice(first, day + 1))


def _moved(
    counts: "Counts", totals: "Counts", kinds: Kinds, seen: slice, now: slice
) -> Iterator[Finding]:
    window = now.stop - now.start
    part, whole = counts[:, now].sum(axis=1), totals[:, now].sum(axis=1)
    share, weight = usual_share(counts, totals, seen, now)
    expected = share * whole
    spread = dispersion(counts, totals, kinds, seen, share, window)
    variance = spread * expected * (1 - share) + np.where(
        weight > 0, spread * share * (1 - share) * whole**2 / np.maximum(weight, 1), 0
    )
    changed = np.abs(part - expected)
    rest = np.minimum(expected, whole - expected)
    is_rare = (expected < 1) & ~kinds.closed & ~kinds.once
    candidates = (
        (whole > 0)
        & ((counts[:, seen].sum(axis=1) > 0) | (kinds.closed & (weight > 0)))
        & (changed >= np.where(is_rare, _LEAST_TOGETHER, _LEAST_CHANGED))
        & (changed >= _LEAST_EFFECT * rest)
        & (changed**2 > 9 * variance)
    )
    found = np.flatnonzero(candidates)
    surprise = chances.of_parts(
        part[found], whole[found], expected[found], variance[found]
    )
    for row, surprised in zip(found, surprise, strict=True):
        if surprised >= (
            SURPRISE_OF_PERSONS if kinds.once[row] else SURPRISE_OF_SHARES
        ):
            reach = _reach(variance[row])
            yield Finding(
                row=int(row),
                judge="share",
                days=window,
                observed=float(part[row]),
                expected=float(expected[row]),
                low=max(float(expected[row]) - reach, 0.0),
                high=float(expected[row]) + reach,
                surprise=float(surprised),
            )


def _reach(variance: float) -> float:
    return float(5.3 * np.sqrt(variance))


def novelties(
    counts: "Counts", totals: "Counts", groups: "NDArray[np.int64]", day: int
) -> Iterator[Finding]:
    """Series that never were before: more of what is new than news there usually are.

    `groups` numbers the group of each row. How much is usually new is asked of each
    group's own past: whoever calls a thing by a new name every day surprises nobody.
    """
    for window in WINDOWS:
        first = day - window + 1
        seen = slice(max(first - REFERENCE_DAYS, 0), first)
        if seen.stop - seen.start >= LEAST_REFERENCE_DAYS:
            yield from _new(counts, totals, groups, seen, slice(first, day + 1))


def _new(
    counts: "Counts",
    totals: "Counts",
    groups: "NDArray[np.int64]",
    seen: slice,
    now: slice,
) -> Iterator[Finding]:
    part, whole = counts[:, now].sum(axis=1), totals[:, now].sum(axis=1)
    fresh = (counts[:, seen].sum(axis=1) == 0) & (part > 0)
    # what the second half of the weeks before had that the first did not have
    half = (seen.start + seen.stop) // 2
    late = counts[:, half : seen.stop].sum(axis=1)
    late = np.where(counts[:, seen.start : half].sum(axis=1) == 0, late, 0)
    for group in np.unique(groups[fresh]):
        mates = groups == group
        weight = totals[mates, half : seen.stop][0].sum()
        news = float(part[mates & fresh].sum())
        if not weight or news < _LEAST_CHANGED:
            continue
        expected = float((late[mates].sum() + 0.5) / weight * whole[mates][0])
        surprise = chances.of_counts(
            np.array([news]), np.array([expected]), np.array([3 * expected])
        )[0]
        if surprise >= SURPRISE_OF_NOVELTIES:
            for row in np.flatnonzero(mates & fresh):
                yield Finding(
                    row=int(row),
                    judge="novelty",
                    days=now.stop - now.start,
                    observed=float(part[row]),
                    expected=expected,
                    low=0.0,
                    high=expected + _reach(3 * expected),
                    surprise=float(surprise),
                )


def unusual_levels(
    counts: "Counts", sizes: "Counts", groups: "NDArray[np.int64]", day: int
) -> Iterator[Finding]:
    """Groups of numbers that became larger or smaller by a factor: another unit.

    `sizes` has the decimal logarithm of what a row counts, not-a-number for words. All
    numbers of a group speak together, where each by itself is too rare to be judged.
    """
    from scipy.stats import t as student

    for window in WINDOWS_OF_SHARES:
        first = day - window + 1
        seen = slice(max(first - REFERENCE_DAYS, 0), first)
        if seen.stop - seen.start < LEAST_REFERENCE_DAYS:
            continue
        for group in np.unique(groups[np.isfinite(sizes)]):
            rows = np.flatnonzero((groups == group) & np.isfinite(sizes))
            now = counts[rows, first : day + 1].sum(axis=1)
            then = counts[rows, seen].sum(axis=1)
            if min(now.sum(), then.sum()) < _LEAST_NUMBERS:
                continue
            usual = float(np.average(sizes[rows], weights=then))
            level = float(np.average(sizes[rows], weights=now))
            spread = np.average((sizes[rows] - usual) ** 2, weights=then) + 0.01
            # what one person says in a day is rarely said once
            deviation = float(np.sqrt(2 * spread * (1 / now.sum() + 1 / then.sum())))
            distance = abs(level - usual) / deviation
            surprise = -float(
                student.logsf(distance, _DEGREES_OF_FREEDOM) + np.log(2)
            ) / np.log(10)
            if surprise >= SURPRISE_OF_LEVELS and abs(level - usual) >= _LEAST_STEP:
                yield Finding(
                    row=int(rows[np.argmax(now)]),
                    judge="level",
                    days=window,
                    observed=10**level,
                    expected=10**usual,
                    low=10 ** (usual - 7 * deviation),
                    high=10 ** (usual + 7 * deviation),
                    surprise=surprise,
                )


def unusual_volumes(counts: "Counts", day: int) -> Iterator[Finding]:
    """Series of which there is more or less than the season leads to expect.

    Works on logarithms: weekday, level and growth from medians, so that a holiday
    among the weeks before moves nothing.
    """
    from scipy.stats import t as student

    for window in WINDOWS:
        first = day - window + 1
        seen = slice(max(first - REFERENCE_DAYS, 0), first)
        if seen.stop - seen.start < 2 * LEAST_REFERENCE_DAYS:
            continue
        past = rolled(counts[:, seen], window)
        spaced = np.log(past + 0.5)
        seasonal = _season(spaced, window)
        level = spaced - seasonal[:, : spaced.shape[1]]
        usual, noise = _level(level, window)
        expected = usual + seasonal[:, spaced.shape[1] + window - 1]
        amount = counts[:, first : day + 1].sum(axis=1)
        mean = np.exp(expected)
        deviation = np.sqrt(noise**2 + 1.5 / np.maximum(mean, 1))
        distance = (np.log(amount + 0.5) - expected) / deviation
        surprise = -(
            student.logsf(np.abs(distance), _DEGREES_OF_FREEDOM) + np.log(2)
        ) / np.log(10)
        # the logarithm of nothing exaggerates
        few = np.flatnonzero(mean < _FEW_COUNTED)
        by_chance = chances.of_counts(
            amount[few], mean[few], (mean * deviation)[few] ** 2
        )
        surprise[few] = np.minimum(surprise[few], by_chance)
        for row in np.flatnonzero(
            (surprise >= SURPRISE_OF_VOLUMES)
            & (np.abs(amount - mean) >= np.maximum(_LEAST_EFFECT * mean, 10))
        ):
            yield Finding(
                row=int(row),
                judge="volume",
                days=window,
                observed=float(amount[row]),
                expected=float(mean[row]),
                low=float(np.exp(expected[row] - 5.5 * deviation[row])),
                high=float(np.exp(expected[row] + 5.5 * deviation[row])),
                surprise=float(surprise[row]),
            )


def _season(logs: "Counts", window: int) -> "Counts":
    """What each weekday adds, for the columns of the past and the week after it."""
    columns = np.arange(logs.shape[1] + 2 * _WEEK)
    if window % _WEEK == 0:
        return np.zeros((logs.shape[0], len(columns)))
    level = np.median(logs, axis=1, keepdims=True)
    season = np.zeros((logs.shape[0], len(columns)))
    for weekday in range(_WEEK):
        own = np.arange(logs.shape[1]) % _WEEK == weekday
        lean = own.sum() / (own.sum() + 1)
        habit = np.median((logs - level)[:, own], axis=1) * lean
        season[:, columns % _WEEK == weekday] = habit[:, None]
    return season


def _level(level: "Counts", window: int) -> "tuple[Counts, Counts]":
    """Where a series stands after its last days, and how far it strays from there."""
    recent = level[:, -2 * _WEEK :]
    older = level[:, : -2 * _WEEK]
    gap = (older.shape[1] + recent.shape[1]) / 2
    growth = (np.median(recent, axis=1) - np.median(older, axis=1)) / gap
    growth = np.clip(growth, -0.02, 0.02)
    usual = np.median(recent, axis=1) + growth * (_WEEK + window / 2) * 0.5
    days = np.arange(level.shape[1]) - level.shape[1] + _WEEK
    strayed = level - np.median(recent, axis=1)[:, None] - growth[:, None] * days
    noise = 1.4826 * np.median(np.abs(strayed), axis=1)
    # a long window has few independent ones before it: not to be trusted too far
    return usual, np.maximum(noise, _LEAST_NOISE[window])
