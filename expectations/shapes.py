"""Whether a slice of a table, a day's, looks like the slices of the days before.

Numbers are compared by the distance of Kolmogorov and Smirnov, words by that of Jensen
and Shannon, on frames of bounded size. How far days usually lie apart is asked of the
earlier days themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from expectations.suites import Severity
from warehouse.clickhouse import frame, rows

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

_ROWS_AT_MOST = 50_000
_SLICES = 5
_LEAST_ROWS = 50
_FAR, _VERY_FAR = 0.15, 0.35
_TIMES_USUAL = 2.5
_WORDS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Sliced:
    """A table with a slice for each as-of day; `columns` are SQL by name.

    `segment` is a column whose values are compared each with itself.
    """

    table: str
    columns: dict[str, str]
    segment: str = "''"


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FEATURES = Sliced(
    "features_build.feat_people",
    _same(
        *("days_since_last_active", "active_days_7", "active_days_28"),
        *("active_days_56", "events_28", "sessions_28", "game_sessions_28"),
        *("distinct_features_28", "rolls_28", "logins_28", "payments_56"),
        *("revenue_minor_56", "revenue_minor_total", "purchase_frequency"),
        *("purchase_mean_minor", "group_size_56", "support_tickets_56"),
        *("subscription_minor_56", "single_minor_56"),
    )
    | {
        "plan": "ifNull(toString(plan), '')",
        "country": "ifNull(toString(country), '')",
        "signup_method": "ifNull(toString(signup_method), '')",
        "device_type": "ifNull(toString(device_type), '')",
        "is_active_56": "toString(is_active_56)",
    },
)
CHURN = Sliced("ml.churn_scores", _same("churn_probability"))
EARLY_CHURN = Sliced("ml.early_churn_scores", _same("churn_probability"))
LIFETIME_VALUES = Sliced(
    "ml.lifetime_values",
    _same("probability_alive", "expected_purchases", "expected_value_minor"),
)
AUDIENCES = Sliced(
    "activation.audience_members",
    {"value": "value", "withheld_because": "toString(withheld_because)"},
    segment="toString(audience)",
)


@dataclass(frozen=True, slots=True)
class Moved:
    """A column of a slice that lies far from that of the slice before."""

    table: str
    segment: str
    column: str
    distance: float
    usual: float
    limit: float
    very_far: float = _VERY_FAR

    @property
    def severity(self) -> Severity:
        """Stop where hardly anything is as it was."""
        return "stop" if self.distance >= max(self.very_far, self.limit) else "warn"


def moved(client: "Client", sliced: Sliced, as_of: date) -> Iterator[Moved]:
    """Columns of the last slice up to `as_of` that moved beyond what slices do."""
    found = rows(
        client,
        f"select distinct as_of from {sliced.table} where as_of <= {{as_of:Date}}"
        f" order by as_of desc limit {_SLICES}",
        {"as_of": as_of},
    )
    days = [row["as_of"] for row in found]
    if len(days) < 2:  # noqa: PLR2004 - a slice and the one before it
        return
    slices = [_slice(client, sliced, day) for day in days]
    for segment in sorted(set(slices[0]["segment"])):
        parts = [one[one["segment"] == segment] for one in slices]
        if min(len(parts[0]), len(parts[1])) < _LEAST_ROWS:
            continue
        for column in sliced.columns:
            yield from _judged(sliced.table, segment, column, parts)


def _slice(client: "Client", sliced: Sliced, day: date) -> "pd.DataFrame":
    columns = ", ".join(f"{sql} as `{name}`" for name, sql in sliced.columns.items())
    return frame(
        client,
        f"select {sliced.segment} as segment, {columns} from {sliced.table}"
        f" where as_of = {{day:Date}} order by sipHash64(person_id)"
        f" limit {_ROWS_AT_MOST} by segment",
        {"day": day},
    )


def _judged(
    table: str, segment: str, column: str, parts: "Sequence[pd.DataFrame]"
) -> Iterator[Moved]:
    values = [part[column] for part in parts if len(part) >= _LEAST_ROWS]
    distances = [distance(later, earlier) for later, earlier in pairwise(values)]
    usual = max(distances[1:], default=0.0)
    chance = 2.2 * (1 / len(values[0]) + 1 / len(values[1])) ** 0.5
    limit = max(_FAR, _TIMES_USUAL * usual, chance)
    if distances[0] > limit:
        yield Moved(table, segment, column, distances[0], usual, limit)


def distance(later: "pd.Series[Any]", earlier: "pd.Series[Any]") -> float:
    """How far two samples lie apart, from 0, alike, to 1: nothing in common."""
    import pandas as pd

    missing = abs(later.isna().mean() - earlier.isna().mean())
    later, earlier = later.dropna(), earlier.dropna()
    if not len(later) or not len(earlier):
        return float(missing)
    if pd.api.types.is_numeric_dtype(later) and not pd.api.types.is_bool_dtype(later):
        apart = kolmogorov_smirnov(later, earlier)
    else:
        apart = jensen_shannon(later.value_counts(), earlier.value_counts())
    return max(float(missing), apart)


def kolmogorov_smirnov(later: "pd.Series[Any]", earlier: "pd.Series[Any]") -> float:
    """The largest gap between two samples' cumulative shares."""
    import numpy as np

    one, other = np.sort(later.to_numpy(float)), np.sort(earlier.to_numpy(float))
    places = np.concatenate([one, other])
    gaps = np.searchsorted(one, places, side="right") / len(one) - np.searchsorted(
        other, places, side="right"
    ) / len(other)
    return float(np.abs(gaps).max())


def jensen_shannon(later: "pd.Series[Any]", earlier: "pd.Series[Any]") -> float:
    """The divergence of two counts by category, in bits: 0 where shares are equal."""
    import numpy as np

    one, other = later.align(earlier, fill_value=0)
    first = one.to_numpy(float) / max(one.sum(), 1)
    second = other.to_numpy(float) / max(other.sum(), 1)
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [
            np.nansum(np.where(side > 0, side * np.log2(side / middle), 0))
            for side in (first, second)
        ]
    return float(max(sum(parts) / 2, 0.0))


def row(gate: str, as_of: date, one: Moved) -> list[Any]:
    """The finding as a row of ops.anomalies."""
    return [
        *(gate, as_of, as_of, "shape", one.table, one.column, one.segment, 0),
        *(one.distance, one.usual, 0.0, one.limit, 0.0, one.severity),
    ]
