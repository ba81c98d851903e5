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


def score_all(as_of: str) -> list[str]:
    """Score the like of every audience with members by a day; return their names.

    Those too small to be judged are passed over. Raises NotEnoughData when all are.
    """
    import os

    from ml.lookalikes import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.score_all(client, day(as_of))
