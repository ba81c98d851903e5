"""Who is like a seed: the doors a DAG and the command go through."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.lookalikes.scoring import Ranked


def score(seed: str, as_of: str) -> "Ranked":
    """Write ml.lookalike_scores of an audience's like; return how it was found.

    Raises NotEnoughData when the seed is too small to be judged.
    """
    import os

    from ml.lookalikes import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.score(client, seed, day(as_of))
