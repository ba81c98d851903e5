"""Lookalikes between the tables: seed and features in, scores out."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml.lookalikes.scoring import Ranked, rank
from ml.people import MEASURED, everyone
from warehouse.clickhouse import replace_partition_columns, rows
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE = "ml.lookalike_scores"


def score(client: "Client", seed: str, as_of: date) -> Ranked:
    """Write how alike everyone outside an audience is to its members as of a day.

    The members are those of the latest choosing up to the day. Raises NotEnoughData
    when there is no such audience, or too few of them.
    """
    members = _members(client, seed, as_of)
    people = everyone(client, as_of)
    inside = people["person_id"].isin(members).to_numpy()
    found = rank(people[list(MEASURED)].to_numpy(np.float64), inside)
    rest = people["person_id"][~inside].tolist()
    replace_partition_columns(
        client,
        table=TABLE,
        partition=f"('{seed}', '{as_of}')",
        columns={
            "as_of": [as_of] * len(rest),
            "seed": [seed] * len(rest),
            "person_id": rest,
            "score": found.score[~inside].tolist(),
            "method": [found.method] * len(rest),
        },
    )
    return found


def score_all(client: "Client", as_of: date) -> list[str]:
    """Write the like of every audience that has members large enough to be judged.

    Returns their names. Raises NotEnoughData when there is none.
    """
    seeds = rows(
        client,
        "select distinct toString(audience) as seed from activation.audience_members"
        " where as_of <= {day:Date} order by seed",
        {"day": as_of},
    )
    scored, lacks = [], [f"No audience has members on {as_of} or before."]
    for row in seeds:
        try:
            score(client, row["seed"], as_of)
        except NotEnoughData as why:
            lacks.append(f"{row['seed']}: {why}")
        else:
            scored.append(row["seed"])
    if not scored:
        raise NotEnoughData(lacks[-1])
    return scored


def _members(client: "Client", seed: str, as_of: date) -> list[str]:
    found = rows(
        client,
        """
        select person_id from activation.audience_members
        where audience = {seed:String} and as_of = (
            select max(as_of) from activation.audience_members
            where audience = {seed:String} and as_of <= {day:Date}
        )
        """,
        {"seed": seed, "day": as_of},
    )
    if not found:
        raise NotEnoughData(
            f"No audience {seed!r} has members on {as_of} or before."
            f" Choose them first: `questlog audiences choose --as-of {as_of}`."
        )
    return [str(row["person_id"]) for row in found]
