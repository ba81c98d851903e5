"""What a customer is worth: the doors a DAG and the command go through."""


def train(as_of: str) -> str:
    """Train on what was known before a day such as 2026-03-01; return the model's id.

    Raises NotEnoughData, saying what lacks, when nothing can be learned.
    """
    import os

    from ml.lifetime_value import training
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    settings = load(os.environ)
    with connect(settings) as client:
        return training.train(client, settings, day(as_of))


def score(model_id: str, as_of: str) -> int:
    """Write ml.lifetime_values of a day; return how many customers were scored."""
    import os

    from ml.lifetime_value import training
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    settings = load(os.environ)
    with connect(settings) as client:
        return training.score(client, settings, model_id, day(as_of))
