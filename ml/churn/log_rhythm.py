"""How much people did in the observed days, how lately, and in what rhythm."""

from typing import TYPE_CHECKING

import numpy as np

from ml.churn.observation import Observation, ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SILENT = "days_silent"
"""The column the recency rule reads: days from the last event to the window's end."""

_MOST_PARTS = 14
_SHORTEST_GAP_DAYS = 1 / 86_400
_AT_ONCE_DAYS = 10 / 1440
_HALF_LIVES_DAYS = (0.25, 1.0, 3.0)
_QUARTERS = 4


def amounts(seen: Observation) -> dict[str, "Numbers"]:
    """How much there was, and how lately."""
    events, visits = seen.total(), seen.total(seen.opens)
    last = seen.age[seen.lasts]
    within = np.where(seen.opens, 0.0, seen.gap)
    session = np.asarray(seen.session.factorize()[0], np.float64)
    nameless = seen.total((seen.session == "").to_numpy()) > 0
    back = seen.days - seen.age
    return {
        SILENT: seen.days - last,
        "span_days": last,
        "events": events,
        "active_days": _different(seen, np.floor(seen.age)),
        "active_dates": _different(seen, np.floor(seen.moment)),
        "visits": visits,
        "sessions": _different(seen, session) - nameless,
        "distinct_names": _different(seen, seen.name.factorize()[0].astype(float)),
        "mean_visit_days": seen.total(within) / visits,
        "events_a_visit": events / visits,
        **{
            f"events_of_half_life_{days:g}": seen.total(np.exp2(-back / days))
            for days in _HALF_LIVES_DAYS
        },
    }


def _different(seen: Observation, values: "Numbers") -> "Numbers":
    """How many different values each person's events have."""
    order = np.lexsort((values, seen.code))
    code, own = seen.code[order], values[order]
    new = np.append(True, (code[1:] != code[:-1]) | (own[1:] != own[:-1]))
    return np.bincount(code[new], minlength=len(seen.people)).astype(np.float64)


def edges(seen: Observation) -> dict[str, "Numbers"]:
    """The first visit and the last, the first day and the last that was active."""
    visit = np.cumsum(seen.opens) - 1
    size = np.bincount(visit).astype(np.float64)
    lasted = np.bincount(visit, np.where(seen.opens, 0.0, seen.gap))
    first, last = visit[seen.firsts], visit[seen.lasts]
    day = np.floor(seen.age)
    on_last_day = day == day[seen.lasts][seen.code]
    in_first_day = seen.total(seen.age < 1)
    return {
        "events_in_first_visit": size[first],
        "first_visit_days": lasted[first],
        "events_in_last_visit": size[last],
        "last_visit_days": lasted[last],
        "last_visit_beside_mean": ratio(
            size[last], seen.total() / seen.total(seen.opens)
        ),
        "events_on_last_active_day": seen.total(on_last_day),
        "share_in_first_day": in_first_day / seen.total(),
    }


def gaps(seen: Observation) -> dict[str, "Numbers"]:
    """Silences between visits: how long, how even, whether they grow."""
    import pandas as pd

    later = seen.opens.copy()
    later[seen.firsts] = False
    gap = pd.Series(seen.gap[later])
    code = seen.code[later]
    by = gap.groupby(code)
    log = pd.Series(np.log(np.maximum(gap.to_numpy(), _SHORTEST_GAP_DAYS)))
    place = by.cumcount().astype(float)
    off = place - place.groupby(code).transform("mean")
    steep = (off * log).groupby(code).sum()
    wide = (off**2).groupby(code).sum()

    def each(values: "pd.Series[float]") -> "Numbers":
        found = values.reindex(range(len(seen.people)))
        return np.asarray(found, np.float64)

    silent = seen.days - seen.age[seen.lasts]
    mean, longest = each(by.mean()), each(by.max())
    return {
        "mean_gap_days": mean,
        "median_gap_days": each(by.median()),
        "longest_gap_days": longest,
        "last_gap_days": each(by.last()),
        "gap_spread": each(log.groupby(code).std()),
        "gap_trend": each((steep / wide).where(wide > 0)),
        "silence_in_gaps": ratio(silent, mean),
        "silence_in_longest_gap": ratio(silent, longest),
        "share_at_once": (seen.total(seen.gap <= _AT_ONCE_DAYS) - 1) / seen.total(),
    }


def parts(seen: Observation) -> dict[str, "Numbers"]:
    """The window in equal parts: events and visits in each, and the halves compared."""
    count = int(min(max(np.ceil(seen.days), 2), _MOST_PARTS))
    size = len(seen.people)
    share = seen.age / seen.days
    cell = seen.code * count + np.minimum((share * count).astype(int), count - 1)
    events = np.bincount(cell, minlength=size * count).reshape(size, count)
    visits = np.bincount(cell, seen.opens, size * count).reshape(size, count)
    later = seen.total(share > 1 / 2)
    active = events > 0
    return {
        **{
            f"events_in_part_{at + 1}": events[:, at].astype(float)
            for at in range(count)
        },
        **{f"visits_in_part_{at + 1}": visits[:, at] for at in range(count)},
        "parts_active": active.sum(axis=1).astype(np.float64),
        "parts_since_active": np.argmax(active[:, ::-1], axis=1).astype(np.float64),
        "later_half_change": np.log1p(later) - np.log1p(seen.total() - later),
    }


def hours(seen: Observation) -> dict[str, "Numbers"]:
    """Time of the day (UTC) and of the week, of all events, the first and the last."""
    turn = (seen.moment % 1.0) * 2 * np.pi
    total = seen.total()
    sine, cosine = seen.total(np.sin(turn)) / total, seen.total(np.cos(turn)) / total
    quarter = np.minimum((turn / (2 * np.pi / _QUARTERS)).astype(int), _QUARTERS - 1)
    first, last = seen.moment[seen.firsts], seen.moment[seen.lasts]
    return {
        "hour_sine": sine,
        "hour_cosine": cosine,
        "hour_evenness": np.hypot(sine, cosine),
        **{
            f"share_in_quarter_{at + 1}": seen.total(quarter == at) / total
            for at in range(_QUARTERS)
        },
        "first_hour": (first % 1.0) * 24,
        "last_hour": (last % 1.0) * 24,
        "first_weekday": np.floor(first + 3) % 7,
    }
