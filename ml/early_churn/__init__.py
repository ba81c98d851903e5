"""Who of the newcomers will not come again: the doors a DAG and the command use."""


def train(as_of: str) -> str:
    """Train on what was known before a day such as 2026-03-01; return the model's id.

    Raises NotEnoughData, saying what lacks, when nothing can be learned.
    """
    import os

    from ml.early_churn import training
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.lineage.events import Dataset, Job
    from warehouse.lineage.telling import told
    from warehouse.settings import load

    settings = load(os.environ)
    job = Job(name="early_churn.train", kind="TRAINING")
    read = [
        Dataset(table="features.feat_newcomers"),
        Dataset(table="features.feat_newcomer_outcomes"),
    ]
    written = [Dataset(table="ml.models")]
    with (
        told(settings, job, inputs=read, outputs=written),
        connect(settings) as client,
    ):
        return training.train(client, settings, day(as_of))


def score(model_id: str, as_of: str) -> int:
    """Write ml.early_churn_scores of a day; return how many people were scored."""
    import os

    from ml.early_churn import training
    from ml.early_churn.watching import SCORES
    from ml.made_of import of
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.lineage.events import Dataset, Job
    from warehouse.lineage.telling import told
    from warehouse.settings import load

    settings = load(os.environ)
    made = of(SCORES)
    job = Job(name="early_churn.score", kind="SCORING")
    read = [Dataset(table="features.feat_newcomers"), Dataset(table="ml.models")]
    written = [Dataset(table=made.table, columns=made.columns)]
    with (
        told(settings, job, inputs=read, outputs=written),
        connect(settings) as client,
    ):
        return training.score(client, settings, model_id, day(as_of))
