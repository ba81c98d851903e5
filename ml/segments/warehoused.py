"""Segments between the tables: features in, members and figures out."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml.people import MEASURED, everyone, laid_out
from ml.records import write_scores
from ml.segments.clusters import NOISE, Clusters, find
from ml.segments.definitions import load, members
from ml.segments.differences import differences
from warehouse.clickhouse import replace_partition_columns, rows

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Groups = dict[str, dict[str, NDArray[np.bool_]]]

TABLE, FIGURES = "ml.segments", "ml.segment_figures"
DEFINED, KMEANS, DENSE = "defined", "kmeans", "hdbscan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many people a segment had on a day."""

    as_of: date
    method: str
    segment: str
    people: int


def run(client: "Client", as_of: date) -> list[Size]:
    """Write who belongs to which segment on a day, and how sound the segments are.

    Raises NotEnoughData when nobody was active in the 56 days before.
    """
    people = everyone(client, as_of)
    found = find(laid_out(people[list(MEASURED)].to_numpy(np.float64)))
    groups = grouped(people, found)
    _write_members(client, people, groups, as_of)
    _write_figures(client, figures(people, found), as_of)
    return sizes(client, as_of, as_of)


def grouped(people: "pd.DataFrame", found: Clusters) -> "Groups":
    """Who is in each segment, by method and name; definitions may overlap."""
    dense = np.full(len(people), NOISE - 1)
    dense[found.sample] = found.dense
    return {
        DEFINED: {each.name: members(each, people) for each in load()},
        KMEANS: _by_label(found.labels),
        DENSE: _by_label(dense),
    }


def figures(people: "pd.DataFrame", found: Clusters) -> list[tuple[str, str, float]]:
    """Method, figure and value of all that is told of the segments of a day."""
    told = [(KMEANS, "k", float(found.chosen))]
    for tried in found.tried:
        told.append((KMEANS, f"stability of {tried.k}", tried.stability))
        told.append((KMEANS, f"silhouette of {tried.k}", tried.silhouette))
    measures = {name: people[name].to_numpy(np.float64) for name in MEASURED}
    for each in differences(measures, found.labels):
        told.append((KMEANS, f"effect of {each.measure}", each.effect))
        told.append((KMEANS, f"p of {each.measure}", each.p))
    told.append((DENSE, "clusters", float(found.dense.max() + 1)))
    told.append((DENSE, "noise share", float((found.dense == NOISE).mean())))
    return told


def sizes(client: "Client", since: date, until: date) -> list[Size]:
    """How large every segment was on the days from one to another, oldest first."""
    found = rows(
        client,
        f"""
        select as_of, toString(method) as method, toString(segment) as segment,
            count() as people
        from {TABLE} where as_of between {{since:Date}} and {{until:Date}}
        group by as_of, method, segment order by as_of, method, segment
        """,
        {"since": since, "until": until},
    )
    return [Size(**row) for row in found]


def _by_label(labels: "NDArray[np.intp]") -> "dict[str, NDArray[np.bool_]]":
    """Members by cluster; noise by its name; people never asked by none."""
    return {
        "noise" if label == NOISE else f"cluster_{label + 1}": labels == label
        for label in np.unique(labels)
        if label >= NOISE
    }


def _write_members(
    client: "Client", people: "pd.DataFrame", groups: "Groups", as_of: date
) -> None:
    ids = people["person_id"].to_numpy()
    columns: dict[str, list[str]] = {"person_id": [], "method": [], "segment": []}
    for method, segments in groups.items():
        for segment, inside in segments.items():
            who = ids[inside].tolist()
            columns["person_id"] += who
            columns["method"] += [method] * len(who)
            columns["segment"] += [segment] * len(who)
    write_scores(client, table=TABLE, as_of=as_of, columns=columns)


def _write_figures(
    client: "Client", told: list[tuple[str, str, float]], as_of: date
) -> None:
    method, figure, value = zip(*told, strict=True)
    replace_partition_columns(
        client,
        table=FIGURES,
        partition=f"'{as_of}'",
        columns={
            "as_of": [as_of] * len(told),
            "method": method,
            "figure": figure,
            "value": value,
        },
    )
