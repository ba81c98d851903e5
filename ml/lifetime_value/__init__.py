"""What a customer is worth: the doors a DAG and the command go through."""


def train(as_of: str) -> str:
    """Train on what was known before a day such as 2026-03-01; return the model's id.

    Raises NotEnoughData, saying what lacks, when nothing can be learned.
    """
    import os

    from ml.lifetime_value import training
    from ml.made_of import OUTCOMES, PEOPLE
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.lineage.events import Dataset, Job
    from warehouse.lineage.telling import told
    from warehouse.settings import load

    settings = load(os.environ)
    job = Job(name="lifetime_value.train", kind="TRAINING")
    read = [Dataset(table=PEOPLE), Dataset(table=OUTCOMES)]
    written = [Dataset(table="ml.models")]
    with (
        told(settings, job, inputs=read, outputs=written),
        connect(settings) as client,
    ):
        return training.train(client, settings, day(as_of))


def score(model_id: str, as_of: str) -> int:
    """Write ml.lifetime_values of a day; return how many customers were scored."""
    import os

    from ml.lifetime_value import training
    from ml.made_of import PEOPLE, of
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.lineage.events import Dataset, Job
    from warehouse.lineage.telling import told
    from warehouse.settings import load

    settings = load(os.environ)
    made = of("ml.lifetime_values")
    read = [Dataset(table=PEOPLE), Dataset(table="ml.models")]
    written = [Dataset(table=made.table, columns=made.columns)]
    with (
        told(
            settings,
            Job(name="lifetime_value.score", kind="SCORING"),
            inputs=read,
            outputs=written,
        ),
        connect(settings) as client,
    ):
        return training.score(client, settings, model_id, day(as_of))
