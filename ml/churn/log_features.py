"""What a log of unknown events tells of people within some days of each one's first.

The columns follow what studies of play logs found to tell: counts, spans and silences,
visits, and of each number that events carry (a score, a level) how high, how even, how
lately at its best and whether it grows (Kim, Choi, Lee, Rhee 2017, PLoS ONE 12(7)).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn import log_rhythm
from ml.churn.observation import Observation, ratio

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.event_logs import EventLog

    Numbers = NDArray[np.float64]

_MOST_NAMES, _MOST_NUMBERS, _MOST_TEXTS, _MOST_KEYS = 40, 25, 40, 10
_MOST_CLOSELY, _MOST_LAST_NAMES = 8, 10
_LEAST_SHARE = 0.01
_LEAST_PEOPLE = 20
_EVEN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names that get columns of their own; learned from the training log alone.

    `keys`: texts whose different values are counted, such as maps played.
    """

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]


def learn(log: "EventLog", seen: Observation) -> Vocabulary:
    """The commonest names, numeric properties and short texts, each by people."""
    import pandas as pd

    least = max(_LEAST_PEOPLE, _LEAST_SHARE * len(seen.people))

    def common(told: "pd.DataFrame", by: list[str], most: int) -> list[Any]:
        each = told[[*by, "code"]].drop_duplicates()
        having = each.groupby(by, observed=True).size()
        having = having[having >= least].sort_index()
        return list(having.sort_values(ascending=False, kind="stable").index[:most])

    named = pd.DataFrame({"name": seen.name.to_numpy(), "code": seen.code})
    numbers, texts = _of(log.numbers, seen), _of(log.texts, seen)
    return Vocabulary(
        names=tuple(common(named, ["name"], _MOST_NAMES)),
        numbers=tuple(common(numbers, ["key"], _MOST_NUMBERS)),
        texts=tuple(common(texts, ["key", "value"], _MOST_TEXTS)),
        keys=tuple(common(texts, ["key"], _MOST_KEYS)),
    )


def features(
    log: "EventLog", seen: Observation, vocabulary: Vocabulary
) -> "pd.DataFrame":
    """One row per person (the index), one column per feature; nan: nothing measured."""
    import pandas as pd

    columns = {
        **log_rhythm.amounts(seen),
        **log_rhythm.edges(seen),
        **log_rhythm.gaps(seen),
        **log_rhythm.parts(seen),
        **log_rhythm.hours(seen),
        **_of_names(seen, vocabulary),
        **_of_numbers(_of(log.numbers, seen), vocabulary, len(seen.people)),
        **_of_texts(_of(log.texts, seen), vocabulary, seen.total()),
    }
    return pd.DataFrame(columns, index=seen.people)


def _of(carried: "pd.DataFrame", seen: Observation) -> "pd.DataFrame":
    """What the seen events carried, by person and in the order of their events."""
    size = int(max(carried["event"].max() if len(carried) else 0, seen.row.max())) + 1
    place = np.full(size, -1, np.int64)
    place[seen.row] = np.arange(len(seen.row))
    own = place[carried["event"].to_numpy()]
    kept = np.flatnonzero(own >= 0)
    kept = kept[np.argsort(own[kept], kind="stable")]
    return carried.iloc[kept].assign(code=seen.code[own[kept]])


def _of_names(seen: Observation, vocabulary: Vocabulary) -> dict[str, "Numbers"]:
    """How often each common name, how long ago its last was, and which came last."""
    found: dict[str, Numbers] = {}
    if len(vocabulary.names) < 2:  # noqa: PLR2004 one name tells nothing of its own
        return found
    names = seen.name.to_numpy()
    for name in vocabulary.names:
        own = names == name
        last = np.full(len(seen.people), np.nan)
        # ages grow with the place: the last assignment stays
        last[seen.code[own]] = seen.age[own]
        found[f"count of {name}"] = seen.total(own)
        found[f"days since {name}"] = seen.days - last
    for name in vocabulary.names[:_MOST_LAST_NAMES]:
        found[f"last is {name}"] = (names[seen.lasts] == name).astype(np.float64)
    return found


def _of_numbers(
    carried: "pd.DataFrame", vocabulary: Vocabulary, size: int
) -> dict[str, "Numbers"]:
    """Sum, mean, largest and last of common numbers; of the commonest, the course."""
    found: dict[str, Numbers] = {}
    by_key = dict(iter(carried.groupby("key", observed=True)))
    for at, key in enumerate(vocabulary.numbers):
        own = by_key.get(key, carried[:0])
        code, value = own["code"].to_numpy(), own["value"].to_numpy(np.float64)
        told = _summed(code, value)
        if at < _MOST_CLOSELY:
            told |= _course(code, value)
        people = np.unique(code)
        for how, values in told.items():
            column = np.full(size, np.nan)
            column[people] = values
            found[f"{how} of {key}"] = column
    return found


def _summed(code: "NDArray[np.intp]", value: "Numbers") -> dict[str, "Numbers"]:
    """Of each person who has the number, in the order of codes."""
    _, first, count = np.unique(code, return_index=True, return_counts=True)
    if not len(first):
        return {}
    total = np.add.reduceat(value, first)
    return {
        "sum": total,
        "mean": total / count,
        "max": np.maximum.reduceat(value, first),
        "last": value[first + count - 1],
    }


def _course(code: "NDArray[np.intp]", value: "Numbers") -> dict[str, "Numbers"]:
    """How a person's number went: its best and when, its spread, whether it grew."""
    _, first, own, count = np.unique(
        code, return_index=True, return_inverse=True, return_counts=True
    )
    if not len(first):
        return {}

    def total(values: "Numbers") -> "Numbers":
        return np.asarray(np.add.reduceat(values, first), np.float64)

    mean = total(value) / count
    off = value - mean[own]
    spread = np.sqrt(total(off**2) / count)
    best = np.maximum.reduceat(value, first)
    place = np.arange(len(value)) - first[own]
    is_best = np.flatnonzero(value == best[own])
    _, earliest = np.unique(own[is_best], return_index=True)
    middle = (count - 1)[own] / 2
    slope = ratio(total((place - middle) * off), total((place - middle) ** 2))
    uneven = np.where(spread > _EVEN, spread, np.nan)
    return {
        "min": np.minimum.reduceat(value, first),
        "first": value[first],
        "spread": spread,
        "place of best": place[is_best[earliest]] / np.maximum(count - 1, 1),
        "best over mean": best - mean,
        "best over mean by count": (best - mean) / count,
        "best beside mean": ratio(best - mean, np.abs(mean)),
        "last beside mean": (value[first + count - 1] - mean) / uneven,
        "trend": slope / uneven,
    }


def _of_texts(
    carried: "pd.DataFrame", vocabulary: Vocabulary, events: "Numbers"
) -> dict[str, "Numbers"]:
    """The share of a person's events with a common text; how many different by key."""
    size = len(events)
    by_both = carried.groupby(["key", "value"], observed=True)["code"]
    having = {both: code.to_numpy() for both, code in by_both}
    found: dict[str, Numbers] = {}
    none = np.array([], np.intp)
    for both in vocabulary.texts:
        count = np.bincount(having.get(both, none), minlength=size)
        found[f"{both[0]} is {both[1]}"] = count / events
    different = carried[["key", "value", "code"]].drop_duplicates()
    for key in vocabulary.keys:
        code = different["code"][(different["key"] == key).to_numpy()].to_numpy()
        found[f"different {key}"] = np.bincount(code, minlength=size).astype(np.float64)
    return found
