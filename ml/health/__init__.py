"""How well people are doing with us: the doors a DAG and the command go through."""


def score(as_of: str) -> int:
    """Write ml.health_scores of a day; return how many people were scored.

    Raises NotEnoughData when nobody was active in the 56 days before.
    """
    import os

    from ml.health import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.score(client, day(as_of))
