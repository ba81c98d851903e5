"""What a log tells of people within some days of each one's first event."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.event_logs import EventLog

    Numbers = NDArray[np.float64]

SILENT = "days_silent"
"""The column the recency rule reads: days from the last event to the window's end."""

_MOST_NAMES, _MOST_NUMBERS, _MOST_TEXTS = 40, 25, 40
_MOST_PARTS = 14
_LEAST_SHARE = 0.01
_LEAST_PEOPLE = 20
_PAUSE_DAYS = 30 / 1440
_SHORTEST_GAP_DAYS = 1 / 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names that get columns of their own; learned from the training log alone."""

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]


def observed(log: "EventLog", observation_days: float) -> "pd.DataFrame":
    """Events no later than so many days after their person's first.

    With `age`, days since that first event, and `code`, the person's number in
    alphabetical order.
    """
    events = log.events
    age = events["at"] - events.groupby("person")["at"].transform("min")
    seen = events.assign(age=age)[age <= observation_days]
    return seen.assign(code=seen["person"].factorize()[0])


def learn(log: "EventLog", seen: "pd.DataFrame") -> Vocabulary:
    """The commonest names, numeric properties and short texts, each by people."""
    people = seen["code"].nunique()
    least = max(_LEAST_PEOPLE, _LEAST_SHARE * people)

    def common(told: "pd.DataFrame", by: list[str], most: int) -> list[Any]:
        having = told.groupby(by)["code"].nunique()
        having = having[having >= least].sort_index()
        return list(having.sort_values(ascending=False, kind="stable").index[:most])

    numbers, texts = _of(log.numbers, seen), _of(log.texts, seen)
    return Vocabulary(
        names=tuple(common(seen, ["name"], _MOST_NAMES)),
        numbers=tuple(common(numbers, ["key"], _MOST_NUMBERS)),
        texts=tuple(common(texts, ["key", "value"], _MOST_TEXTS)),
    )


def features(
    log: "EventLog",
    seen: "pd.DataFrame",
    vocabulary: Vocabulary,
    observation_days: float,
) -> "pd.DataFrame":
    """One row per person (the index), one column per feature; nan: nothing measured."""
    import pandas as pd

    people = pd.Index(seen["person"].unique(), name="user_id")
    columns = {
        **_amounts(seen, observation_days),
        **_gaps(seen, observation_days),
        **_parts(seen, observation_days),
        **_hours(seen),
        **_of_names(seen, vocabulary, observation_days),
        **_of_numbers(_of(log.numbers, seen), vocabulary, len(people)),
        **_of_texts(_of(log.texts, seen), vocabulary, len(people)),
    }
    return pd.DataFrame(columns, index=people)


def _of(carried: "pd.DataFrame", seen: "pd.DataFrame") -> "pd.DataFrame":
    """What the seen events carried, with the person's number and the age."""
    return carried.join(seen[["code", "age"]], on="event", how="inner")


def _amounts(seen: "pd.DataFrame", observation_days: float) -> dict[str, "Numbers"]:
    """How much there was, and how lately."""
    code = seen["code"].to_numpy()
    size = code.max() + 1
    last = seen.groupby("code")["age"].max().to_numpy()
    starts = _starts_a_visit(seen)
    within = np.where(starts, 0.0, _gap(seen))
    visits = np.bincount(code, weights=starts, minlength=size)
    days = seen.assign(day=np.floor(seen["age"])).groupby("code")["day"].nunique()
    dates = seen.assign(day=np.floor(seen["at"])).groupby("code")["day"].nunique()
    named = seen[seen["session"] != ""].groupby("code")["session"].nunique()
    return {
        SILENT: observation_days - last,
        "span_days": last,
        "events": np.bincount(code).astype(np.float64),
        "active_days": days.to_numpy(np.float64),
        "active_dates": dates.to_numpy(np.float64),
        "visits": visits,
        "sessions": named.reindex(range(size)).to_numpy(np.float64),
        "distinct_names": seen.groupby("code")["name"].nunique().to_numpy(np.float64),
        "mean_visit_days": np.bincount(code, weights=within, minlength=size) / visits,
        "events_a_visit": np.bincount(code) / visits,
    }


def _gap(seen: "pd.DataFrame") -> "Numbers":
    """Days since the same person's event before; 0 at their first."""
    gap: Numbers = seen.groupby("code")["age"].diff().fillna(0.0).to_numpy(np.float64)
    return gap


def _starts_a_visit(seen: "pd.DataFrame") -> "NDArray[np.bool_]":
    """First events, and those after half an hour of silence."""
    first = ~seen["code"].duplicated().to_numpy()
    starts: NDArray[np.bool_] = first | (_gap(seen) > _PAUSE_DAYS)
    return starts


def _gaps(seen: "pd.DataFrame", observation_days: float) -> dict[str, "Numbers"]:
    """Silences between visits: how long, how even, whether they grow."""
    visits = seen[_starts_a_visit(seen)]
    size = int(seen["code"].max()) + 1
    gap = visits.groupby("code")["age"].diff()
    told = visits.assign(
        gap=gap,
        log=np.log(np.maximum(gap, _SHORTEST_GAP_DAYS)),
        place=visits.groupby("code").cumcount(),
    )[gap.notna()]
    people = told.groupby("code")

    def each(values: Any) -> "Numbers":
        found: Numbers = values.reindex(range(size)).to_numpy(np.float64)
        return found

    told = told.assign(
        off=told["place"] - people["place"].transform("mean"),
    )
    steep = (told["off"] * told["log"]).groupby(told["code"]).sum()
    wide = (told["off"] ** 2).groupby(told["code"]).sum()
    mean = each(people["gap"].mean())
    silent = observation_days - seen.groupby("code")["age"].max().to_numpy()
    return {
        "mean_gap_days": mean,
        "longest_gap_days": each(people["gap"].max()),
        "last_gap_days": each(people["gap"].last()),
        "gap_spread": each(people["log"].std()),
        "gap_trend": each((steep / wide).where(wide > 0)),
        "silence_in_gaps": silent / mean,
    }


def _parts(seen: "pd.DataFrame", observation_days: float) -> dict[str, "Numbers"]:
    """The window in equal parts: events and visits in each, and the halves compared."""
    count = int(min(max(np.ceil(observation_days), 2), _MOST_PARTS))
    code, size = seen["code"].to_numpy(), int(seen["code"].max()) + 1
    share = seen["age"].to_numpy() / observation_days
    part = np.minimum((share * count).astype(int), count - 1)
    starts = _starts_a_visit(seen)
    late = share > 1 / 2
    events = np.bincount(code * count + part, minlength=size * count)
    visits = np.bincount(
        code * count + part, weights=starts, minlength=size * count
    ).reshape(size, count)
    later = np.bincount(code, weights=late, minlength=size)
    parts = events.reshape(size, count).astype(np.float64)
    return {
        **{f"events_in_part_{at + 1}": parts[:, at] for at in range(count)},
        **{f"visits_in_part_{at + 1}": visits[:, at] for at in range(count)},
        "parts_active": (parts > 0).sum(axis=1).astype(np.float64),
        "later_half_change": np.log1p(later) - np.log1p(parts.sum(axis=1) - later),
    }


def _hours(seen: "pd.DataFrame") -> dict[str, "Numbers"]:
    """Time of the day (UTC) and of the week, of all events and of the first."""
    code = seen["code"].to_numpy()
    turn = (seen["at"].to_numpy() % 1.0) * 2 * np.pi
    total = np.bincount(code)
    first = seen[~seen["code"].duplicated()]["at"].to_numpy()
    quarter = np.minimum((turn / (np.pi / 2)).astype(int), 3)
    return {
        "hour_sine": np.bincount(code, weights=np.sin(turn)) / total,
        "hour_cosine": np.bincount(code, weights=np.cos(turn)) / total,
        **{
            f"share_in_quarter_{at + 1}": np.bincount(code, weights=quarter == at)
            / total
            for at in range(4)
        },
        "first_hour": (first % 1.0) * 24,
        "first_weekday": np.floor(first + 3) % 7,
    }


def _of_names(
    seen: "pd.DataFrame", vocabulary: Vocabulary, observation_days: float
) -> dict[str, "Numbers"]:
    """How often each common name, and how long ago its last was."""
    size = int(seen["code"].max()) + 1
    found: dict[str, Numbers] = {}
    for name in vocabulary.names if len(vocabulary.names) > 1 else ():
        own = seen[seen["name"] == name]
        last = own.groupby("code")["age"].max().reindex(range(size)).to_numpy()
        counted = np.bincount(own["code"], minlength=size).astype(np.float64)
        found[f"count of {name}"] = counted
        found[f"days since {name}"] = observation_days - last
    return found


def _of_numbers(
    carried: "pd.DataFrame", vocabulary: Vocabulary, size: int
) -> dict[str, "Numbers"]:
    """Sum, mean, largest and last of each common numeric property."""
    found: dict[str, Numbers] = {}
    for key in vocabulary.numbers:
        own = carried[carried["key"] == key].sort_values(["code", "age"])
        people = own.groupby("code")["value"]
        for how in ("sum", "mean", "max", "last"):
            values = people.agg(how).reindex(range(size))
            found[f"{how} of {key}"] = values.to_numpy(np.float64)
    return found


def _of_texts(
    carried: "pd.DataFrame", vocabulary: Vocabulary, size: int
) -> dict[str, "Numbers"]:
    """1 for people whose events carried a common text, else 0."""
    having: Mapping[Any, Any] = (
        carried.groupby(["key", "value"])["code"].unique().to_dict()
    )
    found: dict[str, Numbers] = {}
    for key, value in vocabulary.texts:
        flag = np.zeros(size)
        flag[having.get((key, value), np.array([], int))] = 1.0
        found[f"{key} is {value}"] = flag
    return found
