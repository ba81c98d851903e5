"""Whether marts without days share things out as the published ones do.

A day adds little to all that was before, so that such a mart hardly moves: what it has
of a channel, a step or a country is compared with what readers see, by Jensen and
Shannon's divergence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from expectations.shapes import Moved, jensen_shannon
from warehouse.clickhouse import frame, rows

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

# in a fortnight of a world of a thousand people 0.07 is the furthest that most move; of
# few things chance alone moves every part
_FAR, _VERY_FAR = 0.1, 0.2
_TIMES_CHANCE = 3.0
_LEAST_COUNTED = 100
_SIDES = ("marts_build", "marts")


@dataclass(frozen=True, slots=True)
class Summary:
    """A mart whose `weights` are shared out among `parts`, within each `segment`.

    `counted` is the column that says how many things it is about.
    """

    table: str
    parts: str
    weights: Sequence[str]
    counted: str
    segment: str = "''"


SUMMARIES = (
    Summary(
        "fct_attribution",
        "channel",
        ("revenue_minor", "conversions"),
        "conversions",
        segment="model",
    ),
    Summary(
        "fct_cohort_revenue",
        "value",
        ("revenue_minor", "payers"),
        "payers",
        segment="property",
    ),
    Summary("fct_activation_funnel", "step_name", ("people",), "people"),
    Summary("fct_weekly_retention", "weeks_later", ("returned",), "returned"),
    Summary("fct_stickiness", "days_active", ("people",), "people"),
    Summary("fct_feature_adoption", "feature", ("people",), "people"),
    Summary("dim_rfm", "segment", ("scored",), "scored"),
)


def reshaped(client: "Client") -> Iterator[Moved]:
    """What built marts share out otherwise than the published ones."""
    there = {
        (row["database"], row["name"])
        for row in rows(
            client,
            "select database, name from system.tables"
            " where database in ('marts', 'marts_build')",
        )
    }
    for summary in SUMMARIES:
        if {("marts", summary.table), ("marts_build", summary.table)} <= there:
            for segment, found in _both(client, summary).groupby("segment"):
                yield from _judged(summary, str(segment), found)


def _both(client: "Client", summary: Summary) -> "pd.DataFrame":
    """A row a part, with each weight as it is built and as it is shown."""
    columns = {*summary.weights, summary.counted}

    def told(database: str) -> str:
        sums = ", ".join(
            f"toFloat64(sum({'1' if column == 'scored' else column})) as {column}"
            for column in sorted(columns)
        )
        return (
            f"select '{database}' as version, toString({summary.segment}) as part_of,"
            f" toString({summary.parts}) as part, {sums}"
            f" from {database}.{summary.table} group by part_of, part"
        )

    sides = ", ".join(
        f"sumIf({column}, version = '{database}') as {column}_{database}"
        for column in sorted(columns)
        for database in _SIDES
    )
    return frame(
        client,
        f"select part_of as segment, part, {sides}"
        f" from ({told('marts')} union all {told('marts_build')})"
        " group by segment, part",
    )


def _judged(summary: Summary, segment: str, found: "pd.DataFrame") -> Iterator[Moved]:
    sizes = [found[f"{summary.counted}_{side}"].sum() for side in _SIDES]
    if min(sizes) < _LEAST_COUNTED:
        return
    for weight in summary.weights:
        built, shown = (found[f"{weight}_{side}"].clip(lower=0) for side in _SIDES)
        distance = jensen_shannon(built, shown)
        limit = _FAR + _TIMES_CHANCE * _of_chance(len(found), sizes)
        if distance > limit:
            yield Moved(
                f"marts_build.{summary.table}",
                segment,
                weight,
                distance,
                usual=0.0,
                limit=limit,
                very_far=_VERY_FAR,
            )


def _of_chance(parts: int, sizes: Sequence[float]) -> float:
    """The divergence, in bits, of samples of one whole of so many parts."""
    return (parts - 1) * sum(1 / size for size in sizes) / (8 * log(2))
