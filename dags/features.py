"""Features as of a day, built, judged and published: the first steps of each model."""

from airflow.sdk import Asset, chain, task, task_group

FEATURES = Asset("clickhouse://warehouse/features")


@task_group(group_id="features")
def prepared_features(as_of: str) -> None:
    """What a model reads is there, and has passed its gate."""

    @task
    def gate_staging(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("staging", as_of)

    @task
    def build(as_of: str) -> None:
        from warehouse.transformation import build_features

        build_features(as_of)

    @task
    def gate(as_of: str) -> None:
        from expectations.gates import check_at_door

        check_at_door("features", as_of)

    @task(outlets=[FEATURES])
    def publish() -> None:
        from warehouse.publishing import publish_at_door

        publish_at_door("features")

    chain(gate_staging(as_of), build(as_of), gate(as_of), publish())
