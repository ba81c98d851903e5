"""How far parts of a whole stray from their usual share while all is well.

Learned from the weeks before, and never less than chance gives: people come in groups,
and their habits last.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from expectations.chances import Counts

    Flags = NDArray[np.bool_]

WINDOWS_OF_SHARES = (1, 3, 7, 14)
"""Days that are judged together."""

_WEEK = 7
_DISPERSION_BEFOREHAND, _MOST_BEFOREHAND = 1.5, 6.0
_WEIGHT_BEFOREHAND = 6.0


@dataclass(frozen=True, slots=True)
class Kinds:
    """What is known of series beforehand, a row each.

    `once` marks people who are counted once: one by one, not in clusters. `closed`
    marks categories that could always have been: that there was none is a share too.
    `groups` numbers the series that are shares of one total.
    """

    once: "Flags"
    closed: "Flags"
    groups: "NDArray[np.int64]"


def usual_share(
    counts: "Counts", totals: "Counts", seen: slice, now: slice
) -> "tuple[Counts, Counts]":
    """What share is usual in a window: for one day with its weekday's own habit."""
    part, whole = counts[:, seen], totals[:, seen]
    kept = _ordinary(part, whole)
    sums, weight = (part * kept).sum(axis=1), (whole * kept).sum(axis=1)
    # of a few that all said the same, the next need not
    share = (sums + 0.5) / (weight + 1)
    if now.stop - now.start == 1:
        same = (np.arange(seen.start, seen.stop) - now.start) % _WEEK == 0
        habit = kept * same
        # the habit of all days weighs as much as two of this weekday
        lean = 2 * weight / np.maximum(kept.sum(axis=1), 1) + 1
        share = ((part * habit).sum(axis=1) + lean * share) / (
            (whole * habit).sum(axis=1) + lean
        )
    return share, weight


def _ordinary(part: "Counts", whole: "Counts") -> "Flags":
    """Which days of the reference speak: not those that were out of all measure."""
    sums, weight = part.sum(axis=1), whole.sum(axis=1)
    share = np.divide(sums, weight, out=np.zeros_like(sums), where=weight > 0)
    expected = share[:, None] * whole
    deviation = np.sqrt(np.maximum(expected * (1 - share[:, None]), 0.25))
    away = np.abs(part - expected) / deviation
    limit = np.maximum(4 * np.median(away, axis=1), 4)
    ordinary: Flags = (whole > 0) & (away <= limit[:, None])
    return ordinary


def dispersion(  # noqa: PLR0913, PLR0917 - what it is asked of
    counts: "Counts",
    totals: "Counts",
    kinds: Kinds,
    seen: slice,
    share: "Counts",
    window: int,
) -> "Counts":
    """How much more a window's count varies than independent people would."""
    part, whole = counts[:, seen], totals[:, seen]
    squares, chance = _strayed(part, whole, share, window)
    days = (chance > 0).sum(axis=1) / window
    # habits of a person last longer than a day
    clustered = _DISPERSION_BEFOREHAND * (1.0 if window == 1 else 1.5)
    alike = _of_groups(part, whole, share, window, kinds.groups)
    beforehand = np.where(kinds.once, 1.0, np.clip(alike, clustered, _MOST_BEFOREHAND))
    spread: Counts = (
        squares.sum(axis=1) / window + _WEIGHT_BEFOREHAND * beforehand
    ) / (np.maximum(days - 1, 0) + _WEIGHT_BEFOREHAND)
    return np.maximum(spread, 1.0)


def _strayed(
    part: "Counts", whole: "Counts", share: "Counts", window: int
) -> "tuple[Counts, Counts]":
    """Squares of how far windows strayed, by what chance gives them; and the latter."""
    if window > 1:
        part, whole = rolled(part, window), rolled(whole, window)
    expected = share[:, None] * whole
    chance = np.maximum(expected * (1 - share[:, None]), 0.05) * (whole > 0)
    squares = (part - expected) ** 2 / np.maximum(chance, 0.05)
    # a fault among the reference days must not hide the next one
    most = 25 * np.maximum(np.median(squares, axis=1), 1)[:, None]
    return np.minimum(squares, most), chance


def _of_groups(
    part: "Counts",
    whole: "Counts",
    share: "Counts",
    window: int,
    groups: "NDArray[np.int64]",
) -> "Counts":
    """The dispersion of all series of each one's group: a table plays as a table.

    What comes together in short windows does so in long ones, of which there are few.
    """
    number = int(groups.max(initial=-1)) + 1
    most = np.zeros(number)
    for shorter in (one for one in WINDOWS_OF_SHARES if one <= window):
        squares, chance = _strayed(part, whole, share, shorter)
        sums = np.zeros((2, number))
        np.add.at(sums[0], groups, (squares * chance).sum(axis=1))
        np.add.at(sums[1], groups, chance.sum(axis=1))
        windows = part.shape[1] / shorter
        alike = sums[0] / np.maximum(sums[1], 0.05) * windows / max(windows - 1, 1)
        most = np.maximum(most, alike)
    return most[groups]


def rolled(values: "Counts", window: int) -> "Counts":
    """The sums of all windows of so many days."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    windows: Counts = sums[:, window:] - sums[:, :-window]
    return windows
